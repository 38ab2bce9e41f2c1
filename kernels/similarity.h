// Scores of embeddings; larger is more alike. All in fp32, with the arithmetic of
// model/similarity.h step by step: the same pair has the same bits here, on the host, and in every
// form. TF32 and fused multiply-add would break that.
#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

enum class SimilarityKind {
  kCosine,     // sum a b of rows that NormalizeRows prepared, clamped to [-1, 1]
  kDot,        // sum a b
  kEuclidean,  // -sqrt(sum (a - b)^2)
  kManhattan,  // -sum |a - b|
};

inline constexpr SimilarityKind kAllSimilarityKinds[] = {
    SimilarityKind::kCosine, SimilarityKind::kDot, SimilarityKind::kEuclidean,
    SimilarityKind::kManhattan};

// scores (1, N): a's row i with b's row i. a, b: (N, D) fp32, any D. NaN stays NaN.
void PairwiseSimilarity(Stream& stream, SimilarityKind kind, ConstTensor a, ConstTensor b,
                        Tensor scores);

// scores (N, M) row-major: a (N, D) with b (M, D), fp32, any N, M, D.
void SimilarityMatrix(Stream& stream, SimilarityKind kind, ConstTensor a, ConstTensor b,
                      Tensor scores);

// Largest k of BestOfEachRow: two lists of it are sorted in shared memory.
inline constexpr int kMostBest = 1024;

// The best k of each row of `scores` (N, M) fp32, descending, ties by lower column, -0 tied with
// +0, NaN last. best_scores: (N, k) fp32; best_columns: N * k values; 1 <= k <= min(M, kMostBest).
// Rows are independent: a matrix too large to be stored is passed some rows at a time.
void BestOfEachRow(Stream& stream, ConstTensor scores, Tensor best_scores, uint32_t* best_columns);

}  // namespace embedserve::kernels
