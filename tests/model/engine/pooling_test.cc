#include "model/engine/pooling.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

// The fixture of semantics.md 9, run against sentence-transformers.
constexpr float kTokens[] = {1, 2, 3, -4, 5, 0};

std::vector<float> Pooled(std::vector<PoolingMode> modes, int start, int length = 3) {
  PoolingConfig config;
  config.modes = std::move(modes);
  std::vector<float> out(2 * config.modes.size(), -99);
  Pool(config, kTokens, length, start, 2, out.data());
  return out;
}

TEST(PoolingTest, EveryMode) {
  const std::vector<std::vector<float>> want = {
      {1, 2}, {5, 2}, {3, -0.6666667F}, {5.1961524F, -1.1547005F}, {3.6666667F, -1}, {5, 0}};
  std::size_t i = 0;
  for (const PoolingMode mode : kAllPoolingModes) {
    EXPECT_THAT(Pooled({mode}, 0), Pointwise(FloatNear(1e-6F), want[i++])) << Name(mode);
  }
}

TEST(PoolingTest, LeavesOutThePrompt) {
  const std::vector<std::vector<float>> want = {
      {3, -4}, {5, 0}, {4, -2}, {5.656854F, -2.828427F}, {4.2F, -1.6F}, {5, 0}};
  std::size_t i = 0;
  for (const PoolingMode mode : kAllPoolingModes) {
    EXPECT_THAT(Pooled({mode}, 1), Pointwise(FloatNear(1e-6F), want[i++])) << Name(mode);
  }
}

TEST(PoolingTest, ConcatenatesInTheGivenOrder) {
  EXPECT_THAT(Pooled({PoolingMode::kLastToken, PoolingMode::kCls}, 0, 2), ElementsAre(3, -4, 1, 2));
  EXPECT_THAT(Pooled({PoolingMode::kCls, PoolingMode::kCls}, 2), ElementsAre(5, 0, 5, 0));
}

TEST(PoolingTest, OneToken) {
  for (const PoolingMode mode : kAllPoolingModes) {
    EXPECT_THAT(Pooled({mode}, 0, 1), ElementsAre(1, 2)) << Name(mode);
  }
}

}  // namespace
}  // namespace embedserve
