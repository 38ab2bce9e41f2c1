// Scores of embeddings on a device, from rows that lie on the host: what model/similarity.h
// computes, which says what the functions mean, to the bit.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "model/folder/similarity_function.h"

namespace embedserve {

// From any thread; calls take turns. All row-major fp32; `width` is at most the engine's.
// RESOURCE_EXHAUSTED for what exceeds the memory set aside, DATA_LOSS as an Engine says it; the
// output is then worthless, and the host can compute the same.
class Scorer {
 public:
  virtual ~Scorer() = default;

  // a: (n, width), b: (n, width) -> scores (n).
  virtual absl::Status Pairs(SimilarityFunction function, std::span<const float> a,
                             std::span<const float> b, int width, std::span<float> scores) = 0;
  // a: (n, width), b: (m, width) -> scores (n, m).
  virtual absl::Status Matrix(SimilarityFunction function, std::span<const float> a,
                              std::span<const float> b, int width, std::span<float> scores) = 0;
  // The best k <= m of each row of that matrix, descending, ties by lower column:
  // scores (n, k), columns (n, k).
  virtual absl::Status Best(SimilarityFunction function, std::span<const float> a,
                            std::span<const float> b, int width, int k, std::span<float> scores,
                            std::span<uint32_t> columns) = 0;
};

}  // namespace embedserve
