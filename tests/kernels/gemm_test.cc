#include "kernels/gemm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

using ::testing::IsSupersetOf;

TEST(RowBucketsTest, AscendAndEndWithTheMost) {
  EXPECT_EQ(RowBuckets(1, 132), (std::vector<int>{1}));
  EXPECT_EQ(RowBuckets(64, 132), (std::vector<int>{32, 64}));
  EXPECT_EQ(RowBuckets(100, 132), (std::vector<int>{32, 64, 96, 100}));
  for (const int multiprocessors : {1, 20, 58, 108, 132, 148}) {
    for (const int most : {1, 512, 4864, 11264, 16384}) {
      const std::vector<int> buckets = RowBuckets(most, multiprocessors);
      EXPECT_EQ(buckets.back(), most);
      EXPECT_TRUE(std::ranges::adjacent_find(buckets, std::greater_equal()) == buckets.end());
    }
  }
}

TEST(RowBucketsTest, BeyondSmallOnesAreWavesOfTheDevice) {
  const std::vector<int> h100 = RowBuckets(11264, 132), a100 = RowBuckets(9216, 108);
  EXPECT_THAT(h100, IsSupersetOf({704, 1056, 1408, 1760, 2112, 2816, 4224, 5632, 8448, 11264}));
  EXPECT_THAT(a100, IsSupersetOf({576, 864, 1152, 1440, 1728, 2304, 3456, 4608, 6912, 9216}));
}

class GemmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EMBEDSERVE_NEED_DEVICE();
    stream_ = std::make_unique<Stream>(0);
    library_ = std::make_unique<GemmLibrary>(*stream_);
    workspace_ = DeviceBuffer(*stream_, kGemmWorkspaceBytes);
  }
  Gemm Make(Gemm::Shape shape, int most_rows) {
    return Gemm(*stream_, *library_, workspace_, shape, most_rows);
  }
  void CheckValues(Gemm& gemm, int rows);
  void CheckBits(Gemm::Shape shape, int most_rows);

  std::unique_ptr<Stream> stream_;
  std::unique_ptr<GemmLibrary> library_;
  DeviceBuffer workspace_;
};

// Bound: K products added in fp32. Rounding errors of random sign grow as the root of their number,
// sqrt(K) u sum|x w|; tensor cores cut instead of rounding, up to 4 u a step. fp32 through TF32
// would be off by 2^-11 a product, sum|x w| 2^-12 / sqrt(K) in all: 4 times this bound at K = 768.
void GemmTest::CheckValues(Gemm& gemm, int rows) {
  const Gemm::Shape& shape = gemm.shape();
  SCOPED_TRACE(Name(shape.type) + " " + std::to_string(rows) + " rows, " +
               std::to_string(shape.inputs) + " -> " + std::to_string(shape.outputs));
  Random random;
  const auto m = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(shape.inputs),
             n = static_cast<std::size_t>(shape.outputs);
  const DeviceMatrix x(*stream_, shape.type, rows, shape.inputs, random.Values(m * k));
  const DeviceMatrix w(*stream_, shape.type, shape.outputs, shape.inputs, random.Values(n * k));
  const DeviceMatrix bias(*stream_, shape.type, 1, shape.outputs, random.Values(n, -9, 9));
  const DeviceMatrix y = DeviceMatrix::Poisoned(*stream_, shape.type, rows, shape.outputs);
  gemm.Run(*stream_, workspace_, x.tensor(), w.tensor(), shape.bias ? bias.tensor().data : nullptr,
           y.tensor());

  const std::vector<double> a = x.Values(), b = w.Values(), c = bias.Values();
  const double step = shape.type == DType::kFp32 ? kFp32Roundoff : 4 * kFp32Roundoff;
  std::vector<double> expected, bound;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = shape.bias ? c[j] : 0, absolute = std::abs(sum);
      for (std::size_t d = 0; d < k; ++d) {
        sum += a[i * k + d] * b[j * k + d];
        absolute += std::abs(a[i * k + d] * b[j * k + d]);
      }
      expected.push_back(sum);
      bound.push_back((std::sqrt(shape.inputs) + 8) * step * absolute +
                      Roundoff(shape.type) * std::abs(sum) + kTiny);
    }
  }
  EXPECT_TRUE(AllNear(y.Values(), expected, bound, shape.outputs));
}

TEST_F(GemmTest, MatchesTheReference) {
  for (const DType type : kAllDTypes) {
    for (const auto& [inputs, outputs] :
         {std::pair(64, 192), {768, 256}, {256, 768}, {24, 40}, {30, 90}, {36, 48}}) {
      for (const bool bias : {false, true}) {
        Gemm gemm = Make({type, inputs, outputs, bias}, 130);
        for (const int rows : {1, 2, 31, 33, 64, 97, 130}) CheckValues(gemm, rows);
        ASSERT_EQ(stream_->error(), "");
      }
    }
  }
}

TEST_F(GemmTest, Fp32OfAnyWidth) {
  for (const auto& [inputs, outputs] : {std::pair(1, 1), {100, 37}, {3, 5}, {37, 768}}) {
    Gemm gemm = Make({DType::kFp32, inputs, outputs, true}, 40);
    for (const int rows : {1, 3, 40}) CheckValues(gemm, rows);
  }
}

// The promise of gemm.h: row i has the same bits for every number of rows.
void GemmTest::CheckBits(Gemm::Shape shape, int most_rows) {
  SCOPED_TRACE(Name(shape.type) + " " + std::to_string(shape.inputs) + " -> " +
               std::to_string(shape.outputs));
  Gemm gemm = Make(shape, most_rows);
  Random random;
  const auto k = static_cast<std::size_t>(shape.inputs),
             n = static_cast<std::size_t>(shape.outputs);
  const DeviceMatrix x(*stream_, shape.type, most_rows, shape.inputs,
                       random.Values(static_cast<std::size_t>(most_rows) * k));
  const DeviceMatrix w(*stream_, shape.type, shape.outputs, shape.inputs, random.Values(n * k));
  const DeviceMatrix bias(*stream_, shape.type, 1, shape.outputs, random.Values(n));
  const DeviceMatrix all = DeviceMatrix::Poisoned(*stream_, shape.type, most_rows, shape.outputs);
  gemm.Run(*stream_, workspace_, x.tensor(), w.tensor(), bias.tensor().data, all.tensor());
  const std::vector<std::byte> expected = all.Bytes();
  std::vector<int> counts = RowBuckets(most_rows, stream_->multiprocessors());
  for (const int rows : RowBuckets(most_rows, stream_->multiprocessors())) {
    counts.push_back(std::max(1, rows - 1));
  }
  for (int i = 0; i < 8; ++i) counts.push_back(random.Int(1, most_rows));
  for (const int rows : counts) {
    const DeviceMatrix y = DeviceMatrix::Poisoned(*stream_, shape.type, rows, shape.outputs);
    gemm.Run(*stream_, workspace_, x.tensor().Rows(0, rows), w.tensor(), bias.tensor().data,
             y.tensor());
    const std::vector<std::byte> actual = y.Bytes();
    EXPECT_TRUE(std::equal(actual.begin(), actual.end(), expected.begin())) << rows << " rows";
  }
  for (const GemmPlanReport& report : gemm.reports()) {
    std::printf(
        "%s %d -> %d, %5d rows: %2d of %2d plans have the reference's bits; first %.1f us, "
        "best %.1f us%s\n",
        Name(shape.type).c_str(), shape.inputs, shape.outputs, report.rows, report.equal_candidates,
        report.candidates, static_cast<double>(report.first_microseconds),
        static_cast<double>(report.best_microseconds), report.small ? ", SmallGemm" : "");
  }
}

TEST_F(GemmTest, ARowHasTheSameBitsForAnyNumberOfRows) {
  CheckBits({DType::kFp16, 768, 2304, true}, 3000);
  CheckBits({DType::kFp16, 3072, 768, true}, 3000);
  CheckBits({DType::kFp16, 3072, 768, false}, 16384);
  CheckBits({DType::kBf16, 384, 1536, true}, 1500);
  CheckBits({DType::kFp32, 384, 1152, true}, 500);
}

TEST_F(GemmTest, WhatHasNoPlanIsAnError) {
  Gemm gemm = Make({DType::kFp16, 64, 64, false}, 32);
  const DeviceMatrix x = DeviceMatrix::Poisoned(*stream_, DType::kFp16, 33, 64);
  const DeviceMatrix y = DeviceMatrix::Poisoned(*stream_, DType::kFp16, 33, 64);
  gemm.Run(*stream_, workspace_, x.tensor(), x.tensor(), nullptr, y.tensor());
  EXPECT_EQ(stream_->error(), "matrix product: 33 x 64 -> 64 has no plan");
}

}  // namespace
}  // namespace embedserve::kernels
