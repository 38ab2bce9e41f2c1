#include "model/similarity.h"

#include <cmath>
#include <cstdint>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/marked_scorer.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;

std::vector<float> RandomRows(std::size_t rows, std::size_t width, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(rows * width);
  for (float& value : out) value = normal(generator);
  return out;
}

double Expected(SimilarityFunction function, std::span<const float> a, std::span<const float> b) {
  double dot = 0, aa = 0, bb = 0, squares = 0, absolute = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    dot += x * y;
    aa += x * x;
    bb += y * y;
    squares += (x - y) * (x - y);
    absolute += std::abs(x - y);
  }
  switch (function) {
    case SimilarityFunction::kCosine:
      return dot / std::sqrt(aa * bb);
    case SimilarityFunction::kDot:
      return dot;
    case SimilarityFunction::kEuclidean:
      return -std::sqrt(squares);
    case SimilarityFunction::kManhattan:
      return -absolute;
  }
  return 0;
}

// semantics.md 9.
TEST(Similarity, Fixture) {
  const std::vector<float> a = {1, 2}, b = {3, -4};
  EXPECT_NEAR(Similarity(SimilarityFunction::kCosine, a, b), -.44721, 5e-6);
  EXPECT_EQ(Similarity(SimilarityFunction::kDot, a, b), -5);
  EXPECT_NEAR(Similarity(SimilarityFunction::kEuclidean, a, b), -6.32456, 5e-6);
  EXPECT_EQ(Similarity(SimilarityFunction::kManhattan, a, b), -8);
}

TEST(Similarity, ZeroVectorHasCosineZero) {
  EXPECT_EQ(
      Similarity(SimilarityFunction::kCosine, std::vector<float>{0, 0}, std::vector<float>{1, 2}),
      0);
}

TEST(Similarity, MatchesDoublePrecisionAtEveryWidth) {
  for (const std::size_t width : {1U, 2U, 15U, 16U, 17U, 31U, 33U, 384U, 768U, 1000U}) {
    const std::vector<float> a = RandomRows(1, width, 1), b = RandomRows(1, width, 2);
    for (const SimilarityFunction function : kAllSimilarityFunctions) {
      const double expected = Expected(function, a, b);
      // Sums of `width` terms near 1, each rounded to 2^-24 of a partial sum below `width`.
      EXPECT_NEAR(Similarity(function, a, b), expected, 1e-6 * static_cast<double>(width))
          << Name(function) << " at width " << width;
    }
  }
}

TEST(Similarity, CosineIsClampedUnlessAskedFor) {
  bool beyond = false;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> a = RandomRows(1, 5, seed);
    EXPECT_LE(Similarity(SimilarityFunction::kCosine, a, a), 1);
    beyond |=
        PairwiseSimilarity(SimilarityFunction::kCosine, a, a, 5, CosineRange::kAsSummed)[0] > 1.0f;
  }
  EXPECT_TRUE(beyond) << "no case tried came out above 1: the test shows nothing";
}

TEST(Similarity, EveryFormGivesTheSameBits) {
  constexpr std::size_t kRows = 7, kWidth = 37;
  const std::vector<float> a = RandomRows(kRows, kWidth, 3), b = RandomRows(kRows, kWidth, 4);
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    const std::vector<float> pairwise = PairwiseSimilarity(function, a, b, kWidth);
    const std::vector<float> matrix = SimilarityMatrix(function, a, b, kWidth);
    ASSERT_EQ(pairwise.size(), kRows);
    ASSERT_EQ(matrix.size(), kRows * kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto row = [&](const std::vector<float>& rows, std::size_t k) {
        return std::span(rows).subspan(k * kWidth, kWidth);
      };
      EXPECT_EQ(pairwise[i], matrix[i * kRows + i]) << Name(function);
      for (std::size_t j = 0; j < kRows; ++j) {
        EXPECT_EQ(matrix[i * kRows + j], Similarity(function, row(a, i), row(b, j)));
        EXPECT_EQ(matrix[i * kRows + j], Similarity(function, row(b, j), row(a, i)));
      }
    }
  }
}

TEST(SimilarityMatrix, IsRowMajorOverUnequalSides) {
  const std::vector<float> a = {1, 0, 0, 1}, b = {1, 0, 0, 2, 3, 3};
  EXPECT_THAT(SimilarityMatrix(SimilarityFunction::kDot, a, b, 2), ElementsAre(1, 0, 3, 0, 2, 3));
}

TEST(BestOfEachRow, DescendingWithTiesByLowerIndex) {
  const std::vector<float> scores = {.1f, .9f, .9f, .5f,  //
                                     .3f, .3f, .3f, .3f};
  const TopK best = BestOfEachRow(scores, 2, 4, 3);
  EXPECT_EQ(best.k, 3);
  EXPECT_THAT(best.indices, ElementsAre(1, 2, 3, 0, 1, 2));
  EXPECT_THAT(best.scores, ElementsAre(.9f, .9f, .5f, .3f, .3f, .3f));
}

TEST(BestOfEachRow, KIsCutToTheColumns) {
  const TopK best = BestOfEachRow(std::vector<float>{2, 1}, 1, 2, 10);
  EXPECT_EQ(best.k, 2);
  EXPECT_THAT(best.indices, ElementsAre(0, 1));
}

TEST(BestMatches, AreTheBestOfTheMatrix) {
  const std::vector<float> a = RandomRows(5, 9, 1), b = RandomRows(8, 9, 2);
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    const TopK expected = BestOfEachRow(SimilarityMatrix(function, a, b, 9), 5, 8, 3);
    const TopK best = BestMatches(function, a, b, 9, 3);
    EXPECT_EQ(best.k, 3);
    EXPECT_EQ(best.scores, expected.scores);
    EXPECT_EQ(best.indices, expected.indices);
  }
}

TEST(ScoringOnADevice, IsTheDevicesAnswer) {
  const std::vector<float> a = RandomRows(5, 9, 1), b = RandomRows(8, 9, 2);
  MarkedScorer device;
  EXPECT_EQ(SimilarityMatrix(SimilarityFunction::kDot, a, b, 9, &device),
            std::vector<float>(40, MarkedScorer::kMark));
  const TopK best = BestMatches(SimilarityFunction::kDot, a, b, 9, 10, &device);
  EXPECT_EQ(best.k, 8);
  EXPECT_EQ(best.scores, std::vector<float>(40, MarkedScorer::kMark));
  EXPECT_EQ(PairwiseSimilarity(SimilarityFunction::kDot, a, a, 9, &device),
            std::vector<float>(5, MarkedScorer::kMark));
  EXPECT_EQ(device.calls(), 3);
}

// Nothing of what a failing device wrote is left.
TEST(ScoringOnADevice, FallsBackToTheHost) {
  const std::vector<float> a = RandomRows(5, 9, 1), b = RandomRows(8, 9, 2);
  MarkedScorer device(absl::DataLossError("gone"));
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    EXPECT_EQ(SimilarityMatrix(function, a, b, 9, &device), SimilarityMatrix(function, a, b, 9));
    const TopK best = BestMatches(function, a, b, 9, 3, &device);
    const TopK expected = BestMatches(function, a, b, 9, 3);
    EXPECT_EQ(best.scores, expected.scores);
    EXPECT_EQ(best.indices, expected.indices);
    EXPECT_EQ(PairwiseSimilarity(function, a, a, 9, &device),
              PairwiseSimilarity(function, a, a, 9));
  }
  EXPECT_GT(device.calls(), 0);
}

}  // namespace
}  // namespace embedserve
