#include "model/engine/cuda_budget.h"

#include "gtest/gtest.h"

namespace embedserve {
namespace {

TEST(FullWaveTokens, OnAnH100) {
  EXPECT_EQ(FullWaveTokens(132, 768, 512), 11264);  // two waves of 128 x 256 over 768 columns
  EXPECT_EQ(FullWaveTokens(132, 384, 512), 11264);  // one, over 384
  EXPECT_EQ(FullWaveTokens(132, 1024, 512), 8448);  // two of 4224
  EXPECT_EQ(FullWaveTokens(132, 64, 512), 11264);   // a wave of more than that: no whole one
}

TEST(FullWaveTokens, FollowsTheMultiprocessors) {
  EXPECT_EQ(FullWaveTokens(108, 768, 512), 9216);  // A100
  EXPECT_EQ(FullWaveTokens(58, 768, 512), 4864);   // L4: whole tiles of 128 rows
}

TEST(MostGraphTokens, AreFourWavesOfTheWidestProduct) {
  EXPECT_EQ(MostGraphTokens(132), 2816);
  EXPECT_EQ(MostGraphTokens(108), 2304);
}

TEST(MostTokens, AreWholeTilesBetweenTheTwo) {
  const auto most = [](int least, int most, int room) {
    return MostTokens(least, most, [room](int tokens) { return tokens <= room; });
  };
  EXPECT_EQ(most(512, 11264, 11264), 11264);
  EXPECT_EQ(most(512, 11264, 11263), 11136);
  EXPECT_EQ(most(512, 11264, 1000), 896);
  EXPECT_EQ(most(512, 11264, 639), 512);
  EXPECT_EQ(most(512, 11264, 511), 0);
  EXPECT_EQ(most(500, 700, 699), 640);
  EXPECT_EQ(most(500, 700, 639), 512);
  EXPECT_EQ(most(500, 700, 511), 500);
  EXPECT_EQ(most(700, 700, 700), 700);
  EXPECT_EQ(most(700, 700, 699), 0);
}

TEST(FullWaveTokens, TakesTheLongestSequence) { EXPECT_EQ(FullWaveTokens(20, 768, 8192), 8192); }

}  // namespace
}  // namespace embedserve
