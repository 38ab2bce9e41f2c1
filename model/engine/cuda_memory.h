// How much of a device's memory an engine takes: computed before anything is taken, by the very
// code that cuts it afterwards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "kernels/buffer.h"
#include "model/engine/cuda_encoder.h"
#include "model/engine/cuda_head.h"
#include "model/engine/cuda_weights.h"
#include "model/engine/engine.h"
#include "model/folder/model_folder.h"

namespace embedserve {

// What one batch in flight has on the device, cut from one allocation.
struct CudaBatchMemory {
  std::byte* input = nullptr;  // a block of CudaInputSize::Most (cuda_input.h)
  CudaActivations activations;
  CudaHead::Rows head_rows;

  // `weights`: their shapes are enough.
  static CudaBatchMemory Cut(kernels::Arena& arena, const ModelFolder& folder,
                             const CudaWeights& weights, kernels::DType type, BatchLimits limits);
};

struct CudaMemory {
  std::size_t weights = 0;
  std::size_t workspaces = 0;  // scratch of the matrix products, one for each batch in flight
  std::size_t batches = 0;     // all batches in flight
  std::size_t scoring = 0;     // what CudaScorerMemory cuts
  std::size_t loading = 0;     // at a time while weights are converted and plans chosen, before
                               // the batches' and the scores' are taken

  // `weights`: their shapes are enough.
  static CudaMemory Of(const ModelFolder& folder, const CudaWeights& weights, kernels::DType type,
                       BatchLimits limits);
  // Once all is ready.
  std::size_t held() const { return weights + workspaces + batches + scoring; }
  // The most that is held at a time. Of what CUDA itself takes (context, code, graphs) nobody can
  // tell before.
  std::size_t most() const { return weights + workspaces + std::max(batches + scoring, loading); }
};

// "weights 156.2 MiB, two batches 242.1, ..."
std::string Describe(const CudaMemory& memory);

// The limits that an engine with these options has: max_batch_tokens as given, or what suits a
// device of `multiprocessors`, shrunk to gpu_memory_limit. INVALID_ARGUMENT, with value and need,
// if the limit is too small for the given batch, or for the longest sequence.
absl::StatusOr<BatchLimits> LimitsWithinMemory(const ModelFolder& folder,
                                               const EngineOptions& options, int multiprocessors);

}  // namespace embedserve
