// THE seam between a model and whatever computes it. The server knows no device, the engines know
// no request.
//
// An Engine owns all mutable state of one worker and is used by one thread at a time. It is built
// from an immutable ModelFolder that must outlive it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/engine/packed_batch.h"
#include "model/engine/scorer.h"

namespace embedserve {

enum class ComputeType { kFp32, kFp16, kBf16 };
std::string_view Name(ComputeType type);  // "fp32", "fp16", "bf16"

struct BatchLimits {
  int tokens = 0;
  int sequences = 0;
};

struct EngineOptions {
  // Cores one batch may use; 0 = all that the process may use (the cgroup's quota, rounded up).
  int threads = 0;
  ComputeType compute_type = ComputeType::kFp32;
  // Largest batch that will be submitted; buffers are sized from it once. 0 tokens = what suits the
  // device: the engine's limits() say how many that are.
  int max_batch_tokens = 16384;
  int max_batch_sequences = 4096;
  // Most bytes that an engine may take of its GPU; 0 = no limit. What CUDA itself takes comes on
  // top. 0 tokens then are as many as fit.
  std::size_t gpu_memory_limit = 0;
  // A GPU that leaves a batch undone for so long hangs, and is lost (DATA_LOSS); 0 = none does.
  std::chrono::milliseconds hang_timeout{0};
};

class Engine {
 public:
  // Batches that may be submitted and not yet collected.
  static constexpr int kMaxInFlight = 2;

  virtual ~Engine() = default;

  // Both calls: DATA_LOSS says which device is lost, and with it every batch in flight. The engine
  // gives no row from then on; all that is left is to destroy it. Any other error is that batch's
  // own.

  // Starts `batch`; its arrays must stay valid until the matching Collect returns.
  // RESOURCE_EXHAUSTED if the batch exceeds the options' limits or kMaxInFlight is reached;
  // DATA_LOSS if the device was lost before: this batch then has no part in it.
  virtual absl::Status Submit(const PackedBatch& batch) = 0;

  // Waits for the oldest submitted batch and gives its rows: (B, width()) fp32, in batch order,
  // after pooling and the folder's head modules but without a final Normalize (output.h does it).
  // They stay valid until the next call of Submit or Collect. The same sequence gives the same bits
  // in any batch and at any place in it. FAILED_PRECONDITION if nothing was submitted.
  virtual absl::StatusOr<std::span<const float>> Collect() = 0;

  // Would Collect not wait? Always so for an engine that computes in Collect.
  virtual bool Ready() { return true; }

  virtual int width() const = 0;  // D of a row
  // Largest batch that Submit takes; as many tokens as the longest sequence, or more.
  virtual BatchLimits limits() const = 0;
  virtual std::string device() const = 0;  // "cpu", "cuda:0 (NVIDIA H100)"
  // What the engine holds of the device's memory, part by part, for a log; "" on the CPU.
  virtual std::string memory() const { return ""; }
  virtual ComputeType compute_type() const = 0;

  // Scores on the engine's device, if it is not the host's own memory. Lives as long as anybody
  // holds it, and may be used from any thread while the engine computes.
  virtual std::shared_ptr<Scorer> scorer() { return nullptr; }
};

// What every engine refuses at Submit: RESOURCE_EXHAUSTED beyond the options' limits,
// INVALID_ARGUMENT for anything that would read outside a table or a buffer.
absl::Status CheckBatch(const PackedBatch& batch, const EncoderConfig& config,
                        const EngineOptions& options);

}  // namespace embedserve
