#include "model/engine/cpu_engine.h"

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dnnl.hpp"
#include "fmt/format.h"
#include "model/engine/cores.h"
#include "model/engine/cpu_encoder.h"
#include "model/engine/head_modules.h"
#include "model/engine/pooling.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

std::size_t Size(int n) { return static_cast<std::size_t>(n); }

// Rows enough to keep the cores busy, few enough that a newcomer waits for one short batch.
constexpr int kUsualBatchTokens = 2048;

// cls and lasttoken alone read one row a sequence.
WantedRows WantedOf(const PoolingConfig& pooling) {
  if (pooling.modes.size() != 1) return WantedRows::kAll;
  switch (pooling.modes.front()) {
    case PoolingMode::kCls:
      return WantedRows::kFirstPooled;
    case PoolingMode::kLastToken:
      return WantedRows::kLast;
    case PoolingMode::kMax:
    case PoolingMode::kMean:
    case PoolingMode::kMeanSqrtLen:
    case PoolingMode::kWeightedMean:
      return WantedRows::kAll;
  }
  return WantedRows::kAll;
}

// Computes in Collect: there is no device to run ahead of the host, so Submit only checks and
// remembers.
class CpuEngine final : public Engine {
 public:
  CpuEngine(const ModelFolder& folder, const EngineOptions& options,
            std::unique_ptr<CpuEncoder> encoder, HeadChain head, int window_tokens)
      : config_(folder.encoder),
        pooling_(folder.pooling),
        options_(options),
        encoder_(std::move(encoder)),
        head_(std::move(head)),
        window_tokens_(window_tokens),
        one_row_(WantedOf(folder.pooling) != WantedRows::kAll) {}

  absl::Status Submit(const PackedBatch& batch) override;
  absl::StatusOr<std::span<const float>> Collect() override;
  int width() const override { return head_.width(); }
  std::string device() const override { return "cpu"; }
  BatchLimits limits() const override {
    return {options_.max_batch_tokens, options_.max_batch_sequences};
  }
  ComputeType compute_type() const override { return options_.compute_type; }

 private:
  void RunWindow(const PackedBatch& window, float* rows);
  void PoolRows(const PackedBatch& window, const float* hidden, int first, int count, float* out);

  EncoderConfig config_;
  PoolingConfig pooling_;
  EngineOptions options_;
  std::unique_ptr<CpuEncoder> encoder_;
  HeadChain head_;
  int window_tokens_;
  bool one_row_;  // the encoder gives the pooled row of each sequence, and no others
  PackedBatch waiting_[kMaxInFlight];
  int submitted_ = 0;
  std::vector<float> rows_;  // of the batch collected last
};

// Sequences [first, last) of `batch`. The offsets keep their values: they start above 0.
PackedBatch Slice(const PackedBatch& batch, int first, int last) {
  const auto begin = Size(batch.offsets[Size(first)]);
  const auto tokens = Size(batch.offsets[Size(last)]) - begin;
  const auto sequences = Size(last - first);
  return {batch.ids.subspan(begin, tokens), batch.positions.subspan(begin, tokens),
          batch.offsets.subspan(Size(first), sequences + 1),
          batch.pooling_start.subspan(Size(first), sequences)};
}

// A batch is encoded window by window: activations are reserved for one, not for the largest batch,
// and those of MiniLM (14 MB in fp32) stay in a shared cache between the stages of a layer. The
// weights are read once a window, which 2048 rows repay.
int WindowTokens(const EncoderConfig& config, const EngineOptions& options) {
  const int enough = std::max({2048, 512 * options.threads, config.MaxSequenceLength()});
  return std::min(enough, options.max_batch_tokens);
}

absl::Status CpuEngine::Submit(const PackedBatch& batch) {
  if (submitted_ == kMaxInFlight) {
    return absl::ResourceExhaustedError(
        fmt::format("{} batches are in flight already; collect one first", kMaxInFlight));
  }
  RETURN_IF_ERROR(CheckBatch(batch, config_, options_));
  waiting_[submitted_++] = batch;
  return absl::OkStatus();
}

absl::StatusOr<std::span<const float>> CpuEngine::Collect() {
  if (submitted_ == 0) return absl::FailedPreconditionError("no batch was submitted");
  const PackedBatch batch = waiting_[0];
  std::move(waiting_ + 1, waiting_ + submitted_, waiting_);
  --submitted_;
  rows_.resize(Size(batch.sequences()) * Size(width()));
  if (batch.sequences() == 0) return rows_;

  // Windows of about one size, of whole sequences.
  const int count = (batch.tokens() + window_tokens_ - 1) / window_tokens_;
  const int target = (batch.tokens() + count - 1) / count;
  for (int first = 0, last = 0; first < batch.sequences(); first = last) {
    const auto tokens = [&] { return batch.offsets[Size(last)] - batch.offsets[Size(first)]; };
    do {
      ++last;
    } while (last < batch.sequences() && tokens() < target &&
             batch.offsets[Size(last) + 1] - batch.offsets[Size(first)] <= window_tokens_);
    RunWindow(Slice(batch, first, last), rows_.data() + Size(first) * Size(width()));
  }
  return rows_;
}

void CpuEngine::RunWindow(const PackedBatch& window, float* rows) {
  const float* const hidden = encoder_->Run(window);
  // Few rows a piece, so that a few sequences already occupy all threads.
  constexpr int kPiece = 8;
  static_assert(kPiece <= kTileRows);
#pragma omp parallel for num_threads(options_.threads) schedule(dynamic, 1)
  for (int first = 0; first < window.sequences(); first += kPiece) {
    PoolRows(window, hidden, first, std::min(kPiece, window.sequences() - first), rows);
  }
}

void CpuEngine::PoolRows(const PackedBatch& window, const float* hidden, int first, int count,
                         float* out) {
  const std::size_t pooled = pooling_.modes.size() * Size(config_.hidden);
  float* const result = out + Size(first) * Size(width());
  const int thread = omp_get_thread_num();
  float* const to = head_.empty() ? result : head_.Input(thread);
  for (int i = 0; i < count; ++i) {
    const auto b = Size(first + i);
    float* const pooled_row = to + Size(i) * pooled;
    if (one_row_) {
      std::copy_n(hidden + b * pooled, pooled, pooled_row);
      continue;
    }
    const int begin = window.offsets[b] - window.offsets[0];
    const int end = window.offsets[b + 1] - window.offsets[0];
    Pool(pooling_, hidden + Size(begin) * Size(config_.hidden), end - begin,
         window.pooling_start[b], config_.hidden, pooled_row);
  }
  if (head_.empty()) return;
  const float* const rows = head_.Apply(thread, count);
  std::copy(rows, rows + Size(count) * Size(width()), result);
}

absl::Status CheckComputeType(ComputeType type) {
  switch (type) {
    case ComputeType::kFp32:
      return absl::OkStatus();
    case ComputeType::kFp16:
      return absl::FailedPreconditionError(
          "the CPU engine does not compute in fp16; choose fp32, or bf16 on a CPU with "
          "avx512_bf16");
    case ComputeType::kBf16:
      if (__builtin_cpu_supports("avx512bf16")) return absl::OkStatus();
      return absl::FailedPreconditionError(
          "bf16 needs a CPU with avx512_bf16, which this one is not; choose fp32");
  }
  return absl::OkStatus();
}

// What OpenMP really grants: an OMP_THREAD_LIMIT may be below what was asked, and products that
// were compiled for more threads would be left half done.
int GrantedThreads(int threads) {
#ifdef __SANITIZE_THREAD__
  threads = 1;  // libgomp's barriers are invisible to ThreadSanitizer: it would see races
#endif
  int granted = 1;
#pragma omp parallel num_threads(threads)
#pragma omp single
  granted = omp_get_num_threads();
  return granted;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> NewCpuEngine(const ModelFolder& folder,
                                                     const EngineOptions& options) {
  RETURN_IF_ERROR(CheckComputeType(options.compute_type));
  EngineOptions used = options;
  if (used.threads <= 0) used.threads = UsableCores();
  used.threads = GrantedThreads(used.threads);
  if (used.max_batch_tokens == 0) {
    used.max_batch_tokens = std::max(kUsualBatchTokens, folder.max_sequence_length);
  }

  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const int window = WindowTokens(folder.encoder, used);
  ASSIGN_OR_RETURN(std::unique_ptr<CpuEncoder> encoder,
                   CpuEncoder::Create(engine, folder.encoder, folder.weights, used.compute_type,
                                      used.threads, window, WantedOf(folder.pooling)));
  const int pooled = static_cast<int>(folder.pooling.modes.size()) * folder.encoder.hidden;
  ASSIGN_OR_RETURN(HeadChain head, HeadChain::Create(engine, folder.head, pooled, used.threads));
  // All but the word embeddings lives on in packed form; touched rows of those come back on use.
  for (const TensorFile& file : folder.files) file.DropPages();
  return std::make_unique<CpuEngine>(folder, used, std::move(encoder), std::move(head), window);
}

}  // namespace embedserve
