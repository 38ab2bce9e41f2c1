#include "model/engine/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace embedserve {
namespace {

// One head inside rows of three heads, as the fused QKV product lays them out, amid NaN.
struct Case {
  int length;
  int size;
  std::size_t stride;
  std::vector<float> qkv;

  Case(int length, int size, float deviation, unsigned seed = 1)
      : length(length), size(size), stride(static_cast<std::size_t>(9 * size)) {
    qkv.assign(static_cast<std::size_t>(length) * stride, std::numeric_limits<float>::quiet_NaN());
    std::mt19937 random(seed);
    std::normal_distribution<float> value(0, deviation);
    for (int t = 0; t < length; ++t) {
      for (int part = 0; part < 3; ++part) {
        for (int d = 0; d < size; ++d) At(t, part, d) = value(random);
      }
    }
  }
  float& At(int t, int part, int d) {
    return qkv[static_cast<std::size_t>(t) * stride +
               static_cast<std::size_t>((3 * part + 1) * size + d)];
  }
  HeadInput Head() {
    return {&At(0, 0, 0),
            &At(0, 1, 0),
            &At(0, 2, 0),
            stride,
            length,
            size,
            1 / std::sqrt(static_cast<float>(size))};
  }
};

std::vector<double> Exact(Case& c) {
  std::vector<double> out;
  for (int t = 0; t < c.length; ++t) {
    std::vector<double> p;
    for (int s = 0; s < c.length; ++s) {
      double score = 0;
      for (int d = 0; d < c.size; ++d) score += double{c.At(t, 0, d)} * c.At(s, 1, d);
      p.push_back(score / std::sqrt(c.size));
    }
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& each : p) sum += each = std::exp(each - top);
    for (int d = 0; d < c.size; ++d) {
      double value = 0;
      for (int s = 0; s < c.length; ++s) {
        value += p[static_cast<std::size_t>(s)] / sum * c.At(s, 2, d);
      }
      out.push_back(value);
    }
  }
  return out;
}

template <typename Out>
std::vector<Out> OutputOf(Case& c, Out poison) {
  std::vector<float> scratch(AttentionScratch(c.length, c.size),
                             std::numeric_limits<float>::quiet_NaN());
  std::vector<Out> out(static_cast<std::size_t>(c.length * c.size), poison);
  Attend(c.Head(), {0, c.length}, scratch.data(), out.data(), static_cast<std::size_t>(c.size));
  return out;
}

const std::vector<int> kLengths = {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129, 512};
const std::vector<int> kSizes = {1, 10, 16, 24, 32, 33, 64, 80};

// fp32 rounding of a dot product of up to 80 terms, an exponential within 2 ulp, and a convex sum.
TEST(AttentionTest, AgreesWithDoublePrecision) {
  for (const int size : kSizes) {
    for (const int length : kLengths) {
      Case c(length, size, 1);
      const std::vector<double> want = Exact(c);
      const std::vector<float> got = OutputOf(c, std::numeric_limits<float>::quiet_NaN());
      for (std::size_t i = 0; i < want.size(); ++i) {
        ASSERT_NEAR(got[i], want[i], 4e-6) << "length " << length << ", size " << size;
      }
    }
  }
}

TEST(AttentionTest, Bf16IsTheRoundedResult) {
  Case c(37, 24, 1);
  const std::vector<float> full = OutputOf(c, 0.0F);
  const std::vector<Bf16> rounded = OutputOf(c, Bf16{0x7fc0});
  for (std::size_t i = 0; i < full.size(); ++i) {
    ASSERT_EQ(rounded[i].bits, ToBf16(full[i]).bits) << i;
  }
}

// Scores of hundreds: without the maximum subtracted the exponential would overflow, and most
// weights are 0.
TEST(AttentionTest, LargeScoresStayFinite) {
  Case c(40, 32, 12);
  const std::vector<double> want = Exact(c);
  const std::vector<float> got = OutputOf(c, 0.0F);
  for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-3) << i;
}

TEST(AttentionTest, EqualScoresGiveTheMean) {
  Case c(3, 2, 0);
  for (int t = 0; t < 3; ++t) c.At(t, 2, 0) = static_cast<float>(t + 1);
  const std::vector<float> got = OutputOf(c, 0.0F);
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_FLOAT_EQ(got[2 * t], 2.0F);
    EXPECT_FLOAT_EQ(got[2 * t + 1], 0.0F);
  }
}

TEST(AttentionTest, WhatLayInTheScratchDoesNotMatter) {
  Case c(45, 20, 1);
  std::vector<float> scratch(AttentionScratch(512, c.size), 1e30F);
  std::vector<float> out(45 * 20);
  Attend(c.Head(), {0, c.length}, scratch.data(), out.data(), 20);
  const std::vector<float> again = OutputOf(c, 0.0F);
  EXPECT_EQ(std::memcmp(out.data(), again.data(), out.size() * sizeof(float)), 0);
}

TEST(AttentionTest, SomeQueriesGetTheSameBits) {
  Case c(45, 20, 1);
  const std::vector<float> all = OutputOf(c, 0.0F);
  std::vector<float> scratch(AttentionScratch(c.length, c.size));
  for (const QueryRange range : {QueryRange{0, 1}, QueryRange{44, 45}, QueryRange{7, 20}}) {
    std::vector<float> some(45 * 20, -99);
    Attend(c.Head(), range, scratch.data(), some.data(), 20);
    for (int t = 0; t < c.length; ++t) {
      const bool wanted = range.begin <= t && t < range.end;
      for (std::size_t d = 0; d < 20; ++d) {
        const std::size_t i = static_cast<std::size_t>(t) * 20 + d;
        ASSERT_EQ(some[i], wanted ? all[i] : -99) << t;
      }
    }
  }
}

TEST(ToBf16Test, RoundsToNearestEvenAndKeepsNan) {
  EXPECT_EQ(ToBf16(1.0F).bits, 0x3f80);
  EXPECT_EQ(ToBf16(-2.0F).bits, 0xc000);
  EXPECT_EQ(ToBf16(1.00390625F).bits, 0x3f80);  // halfway, to even
  EXPECT_EQ(ToBf16(1.01171875F).bits, 0x3f82);  // halfway, to even
  EXPECT_EQ(ToBf16(1.0040F).bits, 0x3f81);
  EXPECT_EQ(ToBf16(std::numeric_limits<float>::infinity()).bits, 0x7f80);
  EXPECT_EQ(ToBf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_GT(ToBf16(std::numeric_limits<float>::quiet_NaN()).bits & 0x7fff, 0x7f80);
}

TEST(ExpOfNonPositiveTest, IsWithinTwoUlp) {
  for (float x = 0; x > -90; x -= 0.0137F) {
    Vec16 lanes = Vec16{} + x;
    ExpOfNonPositive(lanes);
    const double want = x < -87.0F ? 0.0 : std::exp(double{x});
    ASSERT_NEAR(lanes[5], want, 2.4e-7 * want) << x;
  }
}

}  // namespace
}  // namespace embedserve
