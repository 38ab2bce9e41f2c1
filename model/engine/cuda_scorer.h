// Scores on a CUDA device, on a stream of their own beside the engine's batches.
#pragma once

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "kernels/buffer.h"
#include "model/engine/scorer.h"

namespace embedserve {

// What a scorer holds on its device; with Arena(nullptr) measures it.
struct CudaScorerMemory {
  kernels::Tensor a, b;    // (kBlock, width)
  kernels::Tensor scores;  // (kBlock, kBlock), also one row of pairs
  kernels::Tensor best;    // (kBlock, kMostBest)
  uint32_t* best_columns = nullptr;

  static CudaScorerMemory Cut(kernels::Arena& arena, int width);
};

// `width`: the most that rows will have. `hang_timeout`: as EngineOptions have it. Takes all its
// memory now; no call takes any afterwards. DATA_LOSS with CUDA's reason.
absl::StatusOr<std::unique_ptr<Scorer>> NewCudaScorer(int ordinal, int width,
                                                      std::chrono::milliseconds hang_timeout = {});

}  // namespace embedserve
