#include "model/engine/cuda_scorer.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "model/similarity.h"
#include "tests/kernels/require_device.h"
#include "tests/support/kill_device.h"

namespace embedserve {
namespace {

constexpr int kWidth = 384;

std::vector<float> Rows(int rows, int width, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
  for (float& value : values) value = normal(random);
  return values;
}

std::unique_ptr<Scorer> MakeScorer() {
  auto scorer = NewCudaScorer(0, kWidth);
  EXPECT_TRUE(scorer.ok()) << scorer.status();
  return scorer.ok() ? *std::move(scorer) : nullptr;
}

std::size_t Size(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

// Every form against the host's, bit by bit.
void CheckBits(Scorer& scorer, int n, int m, int width) {
  const std::vector<float> a = Rows(n, width, 1), b = Rows(m, width, 2);
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    SCOPED_TRACE(std::string(Name(function)) + ", " + std::to_string(n) + " x " +
                 std::to_string(m) + " of " + std::to_string(width));
    std::vector<float> scores(Size(n, m), -7);
    ASSERT_TRUE(scorer.Matrix(function, a, b, width, scores).ok());
    const std::vector<float> expected = SimilarityMatrix(function, a, b, width);
    ASSERT_EQ(scores, expected);

    for (const int k : {1, std::min(m, 10), m}) {
      const TopK best = BestOfEachRow(expected, n, m, k);
      std::vector<float> best_scores(Size(n, k));
      std::vector<uint32_t> columns(Size(n, k));
      const absl::Status status = scorer.Best(function, a, b, width, k, best_scores, columns);
      if (m > 1024) {
        EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
        continue;
      }
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_EQ(best_scores, best.scores);
      ASSERT_EQ(columns, best.indices);
    }
    if (n != m) continue;
    std::vector<float> pairs(static_cast<std::size_t>(n));
    ASSERT_TRUE(scorer.Pairs(function, a, b, width, pairs).ok());
    ASSERT_EQ(pairs, PairwiseSimilarity(function, a, b, width));
  }
}

TEST(CudaScorerTest, HasTheHostsBitsInEveryForm) {
  EMBEDSERVE_NEED_DEVICE();
  const auto scorer = MakeScorer();
  ASSERT_NE(scorer, nullptr);
  for (const int width : {1, 31, kWidth}) {
    CheckBits(*scorer, 1, 1, width);
    CheckBits(*scorer, 7, 7, width);
    CheckBits(*scorer, 3, 130, width);
  }
  // More than a block of either side.
  CheckBits(*scorer, 1030, 9, 33);
  CheckBits(*scorer, 9, 1030, 33);
  CheckBits(*scorer, 1025, 1025, 5);
}

TEST(CudaScorerTest, ThreadsTakeTurns) {
  EMBEDSERVE_NEED_DEVICE();
  const auto scorer = MakeScorer();
  ASSERT_NE(scorer, nullptr);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int repeat = 0; repeat < 5; ++repeat) CheckBits(*scorer, 20 + thread, 20, kWidth);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The device is lost to the process: in one of its own.
int ScoreOnALostDevice() {
  const auto scorer = NewCudaScorer(0, kWidth);
  if (!scorer.ok()) return 1;
  const std::vector<float> a = Rows(200, kWidth, 1);
  const std::vector<float> expected = SimilarityMatrix(SimilarityFunction::kDot, a, a, kWidth);
  std::vector<float> scores(expected.size());
  KillDevice(0, DeviceCrime::kTrap, 300);
  absl::Status status;
  while (status.ok()) {
    status = (*scorer)->Matrix(SimilarityFunction::kDot, a, a, kWidth, scores);
    if (status.ok() && scores != expected) return 2;
  }
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  const auto fallen_back = SimilarityMatrix(SimilarityFunction::kDot, a, a, kWidth, scorer->get());
  return absl::IsDataLoss(status) && fallen_back == expected ? 0 : 3;
}

TEST(CudaScorerDeathTest, OfALostDeviceNothingWrongComes) {
  EMBEDSERVE_NEED_DEVICE();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(ScoreOnALostDevice()), testing::ExitedWithCode(0), "DATA_LOSS: cuda:0");
}

}  // namespace
}  // namespace embedserve
