// Scores of embeddings (semantics.md 5): larger is more alike for all four functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/engine/scorer.h"
#include "model/folder/similarity_function.h"

namespace embedserve {

// One pair. cosine = dot of the L2-normalised vectors (eps 1e-12), clamped to [-1, 1]; dot;
// euclidean = -||a - b||_2; manhattan = -||a - b||_1. fp32, fixed order of sums: a pair scores the
// same bits in every form.
float Similarity(SimilarityFunction function, std::span<const float> a, std::span<const float> b);

// A cosine can come out of the sums as 1.0000001. An evaluation ranks scores and must not make
// ties of what the reference tells apart: it asks for them as they are.
enum class CosineRange { kClamped, kAsSummed };

// With a `device` that can, these are computed there, else here: the bits are the same.

// a: (n, width), b: (n, width) -> (n).
std::vector<float> PairwiseSimilarity(SimilarityFunction function, std::span<const float> a,
                                      std::span<const float> b, int width,
                                      Scorer* device = nullptr);
// The same, here, with a cosine's range as it is asked for.
std::vector<float> PairwiseSimilarity(SimilarityFunction function, std::span<const float> a,
                                      std::span<const float> b, int width, CosineRange range);
// a: (n, width), b: (m, width) -> (n, m) row-major.
std::vector<float> SimilarityMatrix(SimilarityFunction function, std::span<const float> a,
                                    std::span<const float> b, int width, Scorer* device = nullptr);

struct TopK {
  std::vector<float> scores;      // (n, k) descending
  std::vector<uint32_t> indices;  // (n, k) columns; ties by lower index
  int k = 0;                      // min(k asked for, columns)
};
TopK BestOfEachRow(std::span<const float> scores, int rows, int columns, int k);
// BestOfEachRow of SimilarityMatrix.
TopK BestMatches(SimilarityFunction function, std::span<const float> a, std::span<const float> b,
                 int width, int k, Scorer* device = nullptr);

}  // namespace embedserve
