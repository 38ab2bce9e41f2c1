#include "model/similarity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/engine/l2_normalize.h"
#include "model/engine/lane_sum.h"

namespace embedserve {
namespace {

// What is done once per vector rather than once per pair: cosine normalises.
std::vector<float> Prepared(SimilarityFunction function, std::span<const float> rows,
                            std::size_t width) {
  std::vector<float> out(rows.begin(), rows.end());
  if (function == SimilarityFunction::kCosine) {
    for (std::size_t at = 0; at < out.size(); at += width) {
      L2Normalize(std::span(out).subspan(at, width));
    }
  }
  return out;
}

float PreparedScore(SimilarityFunction function, std::size_t width, const float* a,
                    const float* b) {
  switch (function) {
    case SimilarityFunction::kCosine:
    case SimilarityFunction::kDot:
      return LaneSum(width, [=](std::size_t i) { return a[i] * b[i]; });
    case SimilarityFunction::kEuclidean:
      return -std::sqrt(LaneSum(width, [=](std::size_t i) {
        const float difference = a[i] - b[i];
        return difference * difference;
      }));
    case SimilarityFunction::kManhattan:
      return -LaneSum(width, [=](std::size_t i) { return std::fabs(a[i] - b[i]); });
  }
  return 0;
}

void Clamp(SimilarityFunction function, std::span<float> scores) {
  if (function != SimilarityFunction::kCosine) return;
  for (float& score : scores) score = std::clamp(score, -1.0f, 1.0f);
}

}  // namespace

float Similarity(SimilarityFunction function, std::span<const float> a, std::span<const float> b) {
  return PairwiseSimilarity(function, a, b, static_cast<int>(a.size())).front();
}

std::vector<float> PairwiseSimilarity(SimilarityFunction function, std::span<const float> a,
                                      std::span<const float> b, int width, Scorer* device) {
  if (device != nullptr) {
    std::vector<float> scores(a.size() / static_cast<std::size_t>(width));
    if (device->Pairs(function, a, b, width, scores).ok()) return scores;
  }
  return PairwiseSimilarity(function, a, b, width, CosineRange::kClamped);
}

std::vector<float> PairwiseSimilarity(SimilarityFunction function, std::span<const float> a,
                                      std::span<const float> b, int width, CosineRange range) {
  const auto columns = static_cast<std::size_t>(width);
  const std::vector<float> left = Prepared(function, a, columns);
  const std::vector<float> right = Prepared(function, b, columns);
  std::vector<float> scores(left.size() / columns);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] =
        PreparedScore(function, columns, left.data() + i * columns, right.data() + i * columns);
  }
  if (range == CosineRange::kClamped) Clamp(function, scores);
  return scores;
}

std::vector<float> SimilarityMatrix(SimilarityFunction function, std::span<const float> a,
                                    std::span<const float> b, int width, Scorer* device) {
  const auto columns = static_cast<std::size_t>(width);
  std::vector<float> scores;
  if (device != nullptr) {
    scores.resize((a.size() / columns) * (b.size() / columns));
    if (device->Matrix(function, a, b, width, scores).ok()) return scores;
    scores.clear();
  }
  const std::vector<float> left = Prepared(function, a, columns);
  const std::vector<float> right = Prepared(function, b, columns);
  scores.reserve((left.size() / columns) * (right.size() / columns));
  for (std::size_t i = 0; i < left.size(); i += columns) {
    for (std::size_t j = 0; j < right.size(); j += columns) {
      scores.push_back(PreparedScore(function, columns, left.data() + i, right.data() + j));
    }
  }
  Clamp(function, scores);
  return scores;
}

TopK BestOfEachRow(std::span<const float> scores, int rows, int columns, int k) {
  TopK best;
  best.k = std::min(k, columns);
  const auto kept = static_cast<std::ptrdiff_t>(best.k);
  std::vector<uint32_t> order(static_cast<std::size_t>(columns));
  for (int row = 0; row < rows; ++row) {
    const float* line = scores.data() + static_cast<std::size_t>(row) * order.size();
    std::iota(order.begin(), order.end(), 0U);
    std::partial_sort(
        order.begin(), order.begin() + kept, order.end(),
        [line](uint32_t i, uint32_t j) { return line[i] != line[j] ? line[i] > line[j] : i < j; });
    for (std::ptrdiff_t i = 0; i < kept; ++i) {
      best.indices.push_back(order[static_cast<std::size_t>(i)]);
      best.scores.push_back(line[best.indices.back()]);
    }
  }
  return best;
}

TopK BestMatches(SimilarityFunction function, std::span<const float> a, std::span<const float> b,
                 int width, int k, Scorer* device) {
  const int rows = static_cast<int>(a.size()) / width, columns = static_cast<int>(b.size()) / width;
  if (device != nullptr) {
    TopK best{.k = std::min(k, columns)};
    const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(best.k);
    best.scores.resize(size);
    best.indices.resize(size);
    if (device->Best(function, a, b, width, best.k, best.scores, best.indices).ok()) return best;
  }
  return BestOfEachRow(SimilarityMatrix(function, a, b, width, device), rows, columns, k);
}

}  // namespace embedserve
