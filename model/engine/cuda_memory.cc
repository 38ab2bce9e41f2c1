#include "model/engine/cuda_memory.h"

#include <limits>

#include "fmt/format.h"
#include "kernels/gemm.h"
#include "model/engine/cuda_budget.h"
#include "model/engine/cuda_input.h"
#include "model/engine/cuda_scorer.h"

namespace embedserve {
namespace {

double Mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// Of the rows that the pooling gives.
int PooledWidth(const ModelFolder& folder) {
  return static_cast<int>(folder.pooling.modes.size()) * folder.encoder.hidden;
}

absl::Status TooSmall(const EngineOptions& options, int tokens, const CudaMemory& memory) {
  return absl::InvalidArgumentError(fmt::format(
      "--gpu-memory-limit is {} bytes, but batches of {} tokens need {} ({}): raise it{}",
      options.gpu_memory_limit, tokens, memory.most(), Describe(memory),
      options.max_batch_tokens != 0 ? ", or lower --max-batch-tokens"
                                    : "; one text of this model may have so many"));
}

}  // namespace

CudaBatchMemory CudaBatchMemory::Cut(kernels::Arena& arena, const ModelFolder& folder,
                                     const CudaWeights& weights, kernels::DType type,
                                     BatchLimits limits) {
  return {
      .input = arena.Take(CudaInputSize::Most(limits.tokens, limits.sequences).bytes()),
      .activations = CudaActivations::Cut(arena, folder.encoder, type, limits.tokens),
      .head_rows = CudaHead::Rows::Cut(arena, weights.head, PooledWidth(folder), limits.sequences)};
}

CudaMemory CudaMemory::Of(const ModelFolder& folder, const CudaWeights& weights,
                          kernels::DType type, BatchLimits limits) {
  kernels::Arena measure(nullptr);
  CudaBatchMemory::Cut(measure, folder, weights, type, limits);
  kernels::Arena scoring(nullptr);
  CudaScorerMemory::Cut(scoring, folder.dimensions);
  return {.weights = weights.bytes,
          .workspaces = Engine::kMaxInFlight * kernels::kGemmWorkspaceBytes,
          .batches = Engine::kMaxInFlight * measure.used(),
          .scoring = scoring.used(),
          .loading = std::max({CudaWeights::kStagingBytes,
                               CudaEncoder::TrialBytes(folder.encoder, type, limits.tokens),
                               CudaHead::TrialBytes(weights.head, limits.sequences)})};
}

std::string Describe(const CudaMemory& memory) {
  return fmt::format(
      "{:.1f} MiB at most: weights {:.1f}, {} batches {:.1f}, scores {:.1f} (before them {:.1f} to "
      "load), scratch of the products {:.1f}",
      Mebibytes(memory.most()), Mebibytes(memory.weights), Engine::kMaxInFlight,
      Mebibytes(memory.batches), Mebibytes(memory.scoring), Mebibytes(memory.loading),
      Mebibytes(memory.workspaces));
}

absl::StatusOr<BatchLimits> LimitsWithinMemory(const ModelFolder& folder,
                                               const EngineOptions& options, int multiprocessors) {
  const kernels::DType type = StorageType(options.compute_type);
  const CudaWeights weights = CudaWeights::Shapes(folder, options.compute_type);
  const auto of = [&](int tokens) {
    return CudaMemory::Of(folder, weights, type, {tokens, options.max_batch_sequences});
  };
  const bool given = options.max_batch_tokens != 0;
  const int least = given ? options.max_batch_tokens : folder.max_sequence_length;
  const int most = given ? least : FullWaveTokens(multiprocessors, folder.encoder.hidden, least);
  const std::size_t limit = options.gpu_memory_limit != 0 ? options.gpu_memory_limit
                                                          : std::numeric_limits<std::size_t>::max();
  const int tokens = MostTokens(least, most, [&](int count) { return of(count).most() <= limit; });
  if (tokens == 0) return TooSmall(options, least, of(least));
  return BatchLimits{tokens, options.max_batch_sequences};
}

}  // namespace embedserve
