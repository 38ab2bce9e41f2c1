#include "model/engine/l2_normalize.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

TEST(L2Normalize, DividesByTheNorm) {
  std::vector<float> row = {3, 0, -4};
  L2Normalize(row);
  EXPECT_THAT(row, ElementsAre(FloatEq(0.6f), FloatEq(0), FloatEq(-0.8f)));
}

TEST(L2Normalize, LeavesZeroAtZero) {
  std::vector<float> row(5, 0.0f);
  L2Normalize(row);
  EXPECT_EQ(row, std::vector<float>(5, 0.0f));
}

}  // namespace
}  // namespace embedserve
