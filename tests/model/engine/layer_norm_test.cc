#include "model/engine/layer_norm.h"

#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "gtest/gtest.h"

namespace embedserve {
namespace {

std::vector<float> Random(std::size_t size, float mean, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(mean, deviation);
  std::vector<float> values(size);
  for (float& each : values) each = value(random);
  return values;
}

TensorView View(const std::vector<float>& values) {
  return {"test",
          TensorType::kF32,
          {static_cast<int64_t>(values.size())},
          std::as_bytes(std::span(values))};
}

std::vector<double> Exact(const std::vector<float>& x, const std::vector<float>& r,
                          const std::vector<float>& weight, const std::vector<float>& bias,
                          double eps) {
  const auto n = static_cast<double>(x.size());
  std::vector<double> y;
  double mean = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back(double{x[i]} + (r.empty() ? 0 : r[i]));
    mean += y.back() / n;
  }
  double variance = 0;
  for (const double value : y) variance += (value - mean) * (value - mean) / n;
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = (y[i] - mean) / std::sqrt(variance + eps) * weight[i] + bias[i];
  }
  return y;
}

TEST(LayerNormTest, AgreesWithDoublePrecision) {
  for (const std::size_t width : {1U, 2U, 15U, 16U, 17U, 30U, 384U, 768U, 1023U}) {
    const auto x = Random(width, 0, 1, 1);
    const auto r = Random(width, 0, 2, 2);
    const auto weight = Random(width, 1, 0.3F, 3);
    const auto bias = Random(width, 0, 0.3F, 4);
    const LayerNorm norm(View(weight), View(bias), 1e-5F);
    std::vector<float> y(width);
    norm.Apply(x.data(), r.data(), y.data());
    auto want = Exact(x, r, weight, bias, 1e-5);
    for (std::size_t i = 0; i < width; ++i) ASSERT_NEAR(y[i], want[i], 2e-6) << width;

    norm.Apply(x.data(), nullptr, y.data());
    want = Exact(x, {}, weight, bias, 1e-5);
    for (std::size_t i = 0; i < width; ++i) ASSERT_NEAR(y[i], want[i], 2e-6) << width;
  }
}

// A one-pass variance (E[x^2] - mean^2) loses all its digits here.
TEST(LayerNormTest, SurvivesAMeanFarAboveTheDeviation) {
  const std::size_t width = 768;
  const auto x = Random(width, 1000, 0.5F, 5);
  const std::vector<float> weight(width, 1);
  const std::vector<float> bias(width, 0);
  const LayerNorm norm(View(weight), View(bias), 1e-12F);
  std::vector<float> y(width);
  norm.Apply(x.data(), nullptr, y.data());
  const auto want = Exact(x, {}, weight, bias, 1e-12);
  for (std::size_t i = 0; i < width; ++i) ASSERT_NEAR(y[i], want[i], 1e-3) << i;
}

TEST(LayerNormTest, EqualValuesGiveTheBias) {
  const std::vector<float> x(20, 3);
  const std::vector<float> weight(20, 2);
  const auto bias = Random(20, 0, 1, 6);
  const LayerNorm norm(View(weight), View(bias), 1e-12F);
  std::vector<float> y(20);
  norm.Apply(x.data(), nullptr, y.data());
  EXPECT_EQ(y, bias);
}

TEST(LayerNormTest, MayWriteOverItsInputsAndRoundsToBf16) {
  const auto x = Random(50, 0, 1, 7);
  const auto r = Random(50, 0, 1, 8);
  const auto weight = Random(50, 1, 0.1F, 9);
  const auto bias = Random(50, 0, 0.1F, 10);
  const LayerNorm norm(View(weight), View(bias), 1e-5F);
  std::vector<float> apart(50);
  norm.Apply(x.data(), r.data(), apart.data());
  std::vector<float> over_x = x;
  std::vector<Bf16> rounded(50);
  norm.Apply(over_x.data(), r.data(), over_x.data(), rounded.data());
  std::vector<float> over_r = r;
  norm.Apply(x.data(), over_r.data(), over_r.data());
  EXPECT_EQ(over_x, apart);
  EXPECT_EQ(over_r, apart);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(rounded[i].bits, ToBf16(apart[i]).bits);
}

}  // namespace
}  // namespace embedserve
