#include "kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double Reference(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kGeluErf:
      return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case ActivationKind::kGeluTanh:
      return x / 2 *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * std::pow(x, 3))));
    case ActivationKind::kQuickGelu:
      return x * Sigmoid(1.702 * x);
    case ActivationKind::kRelu:
      return std::max(x, 0.0);
    case ActivationKind::kSilu:
      return x * Sigmoid(x);
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kSigmoid:
      return Sigmoid(x);
    case ActivationKind::kIdentity:
      return x;
  }
  return 0;
}

// Bound: a factor 1 + erf, 1 + tanh or 1 / (1 + exp) near 0 has an absolute error of a few units of
// fp32 (erff, tanhf, expf: 2 ulp; their arguments another 2 each), which x multiplies; one rounding
// to the type follows.
TEST(ActivationTest, EveryKindMatchesTheReference) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const ActivationKind kind : kAllActivationKinds) {
      for (const int columns : {1, 7, 8, 9, 255, 2049, 3072}) {
        SCOPED_TRACE(Name(type) + " kind " + std::to_string(static_cast<int>(kind)));
        Random random;
        const auto size = static_cast<std::size_t>(3 * columns);
        const DeviceMatrix x(stream, type, 3, columns, random.Values(size, -9, 9));
        const std::vector<double> in = x.Values();
        Activate(stream, kind, x.tensor());
        std::vector<double> expected, bound;
        for (const double value : in) {
          expected.push_back(Reference(kind, value));
          bound.push_back(Roundoff(type) * std::abs(expected.back()) +
                          8 * kFp32Roundoff * std::max(1.0, std::abs(value)) + kTiny);
        }
        EXPECT_TRUE(AllNear(x.Values(), expected, bound, columns));
      }
    }
  }
}

TEST(ActivationTest, LargeValuesSaturateAndNanStays) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const float nan = std::nanf("");
  for (const ActivationKind kind : kAllActivationKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    const DeviceMatrix x(stream, DType::kFp16, 1, 8, {6e4f, -6e4f, nan, 100, -100, 1, 0, -0.0f});
    Activate(stream, kind, x.tensor());
    const std::vector<double> out = x.Values();
    for (const std::size_t i : {0u, 1u, 3u, 4u, 5u, 6u, 7u}) {
      EXPECT_TRUE(std::isfinite(out[i])) << i;
    }
    EXPECT_TRUE(std::isnan(out[2]));
  }
}

TEST(ActivationTest, Adds) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  const DeviceMatrix x(stream, DType::kFp32, 3, 257, random.Values(3 * 257));
  const DeviceMatrix y(stream, DType::kFp32, 3, 257, random.Values(3 * 257));
  std::vector<double> expected = x.Values(), bound;
  const std::vector<double> more = y.Values();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] += more[i];
    bound.push_back(kFp32Roundoff * std::abs(expected[i]));
  }
  Add(stream, y.tensor(), x.tensor());
  EXPECT_TRUE(AllNear(x.Values(), expected, bound, 257));
}

}  // namespace
}  // namespace embedserve::kernels
