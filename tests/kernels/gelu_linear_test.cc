#include "kernels/gelu_linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>
#include <tuple>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

// Bound as in small_gemm_test.cc.
void Check(Stream& stream, DType type, GeluLinearForm form, int rows, int inputs, int outputs) {
  SCOPED_TRACE(Name(type) + " " + std::to_string(rows) + " rows, " + std::to_string(inputs) +
               " -> " + std::to_string(outputs));
  Random random;
  const auto m = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(inputs),
             n = static_cast<std::size_t>(outputs);
  const DeviceMatrix x(stream, type, rows, inputs, random.Values(m * k, -0.3f, 0.3f));
  const DeviceMatrix w(stream, type, outputs, inputs, random.Values(n * k, -0.3f, 0.3f));
  const DeviceMatrix bias(stream, type, 1, outputs, random.Values(n, -3, 3));
  const DeviceMatrix y = DeviceMatrix::Poisoned(stream, type, rows, outputs);
  const GeluLinear gelu(stream, type, inputs, outputs, form);
  ASSERT_EQ(gelu.form(), form);
  gelu.Run(stream, x.tensor(), w.tensor(), bias.tensor().data, y.tensor());

  const std::vector<double> a = x.Values(), b = w.Values(), c = bias.Values();
  std::vector<double> expected, bound;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = c[j], absolute = std::abs(sum);
      for (std::size_t d = 0; d < k; ++d) {
        sum += a[i * k + d] * b[j * k + d];
        absolute += std::abs(a[i * k + d] * b[j * k + d]);
      }
      const double error = (std::sqrt(inputs) + 8) * 4 * kFp32Roundoff * absolute;
      expected.push_back(sum / 2 * std::erfc(-sum / std::numbers::sqrt2));
      bound.push_back(1.13 * error + 3.2e-6 + Roundoff(type) * std::abs(expected.back()) + kTiny);
    }
  }
  EXPECT_TRUE(AllNear(y.Values(), expected, bound, outputs));
}

std::string Name(GeluLinearForm form) {
  switch (form) {
    case GeluLinearForm::kNone:
      return "none";
    case GeluLinearForm::kSm80:
      return "sm80";
    case GeluLinearForm::kSm90:
      return "sm90";
  }
  return "";
}

class GeluLinearTest : public ::testing::TestWithParam<std::tuple<DType, GeluLinearForm>> {
 protected:
  void SetUp() override {
    EMBEDSERVE_NEED_DEVICE();
    std::tie(type_, form_) = GetParam();
    stream_ = std::make_unique<Stream>(0);
    if (GeluLinear(*stream_, type_, 768, 3072, form_).form() != form_) {
      GTEST_SKIP() << "this build or this device has no such kernel";
    }
  }
  std::unique_ptr<Stream> stream_;
  DType type_{};
  GeluLinearForm form_{};
};

TEST_P(GeluLinearTest, MatchesTheReference) {
  for (const int rows : {1, 2, 31, 33, 64, 65, 127, 129, 300}) {
    Check(*stream_, type_, form_, rows, 768, 256);
  }
  Check(*stream_, type_, form_, 70, 64, 264);
  Check(*stream_, type_, form_, 70, 40, 8);
  Check(*stream_, type_, form_, 40, 384, 1536);
}

TEST_P(GeluLinearTest, ARowHasTheSameBitsForAnyNumberOfRows) {
  const DType type = type_;
  Random random;
  const GeluLinear gelu(*stream_, type, 768, 3072, form_);
  std::printf("few rows apart: %s\n", gelu.takes_few_rows_apart() ? "yes" : "no");
  const DeviceMatrix x(*stream_, type, 2000, 768, random.Values(2000 * 768));
  const DeviceMatrix w(*stream_, type, 3072, 768, random.Values(3072 * 768, -0.1f, 0.1f));
  const DeviceMatrix bias(*stream_, type, 1, 3072, random.Values(3072));
  const DeviceMatrix all = DeviceMatrix::Poisoned(*stream_, type, 2000, 3072);
  gelu.Run(*stream_, x.tensor(), w.tensor(), bias.tensor().data, all.tensor());
  const std::vector<std::byte> expected = all.Bytes();
  for (const int rows : {1, 8, 27, 33, 64, 65, 100, 128, 500, random.Int(1, 2000)}) {
    const DeviceMatrix y = DeviceMatrix::Poisoned(*stream_, type, rows, 3072);
    gelu.Run(*stream_, x.tensor().Rows(0, rows), w.tensor(), bias.tensor().data, y.tensor());
    const std::vector<std::byte> actual = y.Bytes();
    EXPECT_TRUE(std::equal(actual.begin(), actual.end(), expected.begin())) << rows << " rows";
  }
}

TEST_P(GeluLinearTest, SaturatesAndKeepsNan) {
  const DType type = type_;
  std::vector<float> values(128, 0.0f);
  values[0] = 60000.0f;
  const DeviceMatrix x(*stream_, type, 1, 128, values);
  std::vector<float> weights(16 * 128, 0.0f);
  weights[0] = 8.0f;
  weights[128] = -8.0f;
  weights[2 * 128] = std::nanf("");
  const DeviceMatrix w(*stream_, type, 16, 128, weights);
  const DeviceMatrix bias(*stream_, type, 1, 16, std::vector<float>(16, 0.0f));
  for (const int repeat : {1, 100}) {  // few rows, and many
    std::vector<float> all;
    for (int i = 0; i < repeat; ++i) all.insert(all.end(), values.begin(), values.end());
    const DeviceMatrix many(*stream_, type, repeat, 128, all);
    const DeviceMatrix y = DeviceMatrix::Poisoned(*stream_, type, repeat, 16);
    GeluLinear(*stream_, type, 128, 16, form_)
        .Run(*stream_, many.tensor(), w.tensor(), bias.tensor().data, y.tensor());
    const std::vector<double> out = y.Values();
    if (type == DType::kFp16) {
      EXPECT_EQ(out[0], 65504);
    }
    EXPECT_NEAR(out[1], 0, 0.01);
    EXPECT_TRUE(std::isnan(out[2]));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GeluLinearTest,
                         ::testing::Combine(::testing::Values(DType::kFp16, DType::kBf16),
                                            ::testing::Values(GeluLinearForm::kSm80,
                                                              GeluLinearForm::kSm90)),
                         [](const auto& info) {
                           return Name(std::get<0>(info.param)) + "_" +
                                  Name(std::get<1>(info.param));
                         });

TEST(GeluLinearAvailabilityTest, Fp32HasNone) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  EXPECT_FALSE(GeluLinear(stream, DType::kFp32, 768, 3072).available());
}

}  // namespace
}  // namespace embedserve::kernels
