#include "kernels/small_gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

// Bounds as in gemm_test.cc: K products added in fp32 by tensor cores; then GELU's own 3.1e-6, and
// its slope of at most 1.13 upon the sum's error.
void Check(Stream& stream, DType type, int rows, int inputs, int outputs, SmallEpilogue epilogue,
           bool with_bias) {
  SCOPED_TRACE(Name(type) + " " + std::to_string(rows) + " rows, " + std::to_string(inputs) +
               " -> " + std::to_string(outputs));
  Random random;
  const auto m = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(inputs),
             n = static_cast<std::size_t>(outputs);
  const DeviceMatrix x(stream, type, rows, inputs, random.Values(m * k, -0.3f, 0.3f));
  const DeviceMatrix w(stream, type, outputs, inputs, random.Values(n * k, -0.3f, 0.3f));
  const DeviceMatrix bias(stream, type, 1, outputs, random.Values(n, -3, 3));
  const DeviceMatrix y = DeviceMatrix::Poisoned(stream, type, rows, outputs);
  SmallGemm(stream, x.tensor(), w.tensor(), with_bias ? bias.tensor().data : nullptr, epilogue,
            y.tensor());

  const std::vector<double> a = x.Values(), b = w.Values(), c = bias.Values();
  std::vector<double> expected, bound;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = with_bias ? c[j] : 0, absolute = std::abs(sum);
      for (std::size_t d = 0; d < k; ++d) {
        sum += a[i * k + d] * b[j * k + d];
        absolute += std::abs(a[i * k + d] * b[j * k + d]);
      }
      double error = (std::sqrt(inputs) + 8) * 4 * kFp32Roundoff * absolute;
      if (epilogue == SmallEpilogue::kBiasGelu) {
        sum = sum / 2 * std::erfc(-sum / std::numbers::sqrt2);
        error = 1.13 * error + 3.2e-6;
      }
      expected.push_back(sum);
      bound.push_back(error + Roundoff(type) * std::abs(sum) + kTiny);
    }
  }
  EXPECT_TRUE(AllNear(y.Values(), expected, bound, outputs));
}

TEST(SmallGemmTest, MatchesTheReference) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : {DType::kFp16, DType::kBf16}) {
    for (const int rows : {1, 7, 8, 9, 27, 31, 32, 33, 40, 63, 64}) {
      Check(stream, type, rows, 768, 64, SmallEpilogue::kBias, true);
      Check(stream, type, rows, 128, 16, SmallEpilogue::kBias, false);
      Check(stream, type, rows, 384, 48, SmallEpilogue::kBiasGelu, true);
    }
    Check(stream, type, 27, 3072, 80, SmallEpilogue::kBias, true);
    // Two and three tiles of outputs a block: more outputs than multiprocessors take one by one.
    Check(stream, type, 27, 768, 2304, SmallEpilogue::kBias, true);
    Check(stream, type, 50, 128, 2320, SmallEpilogue::kBias, true);
  }
}

TEST(SmallGemmTest, ARowHasTheSameBitsForAnyNumberOfRows) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  const DeviceMatrix x(stream, DType::kFp16, 64, 768, random.Values(64 * 768));
  const DeviceMatrix w(stream, DType::kFp16, 96, 768, random.Values(96 * 768));
  const DeviceMatrix all = DeviceMatrix::Poisoned(stream, DType::kFp16, 64, 96);
  SmallGemm(stream, x.tensor(), w.tensor(), nullptr, SmallEpilogue::kBiasGelu, all.tensor());
  const std::vector<std::byte> expected = all.Bytes();
  for (int rows = 1; rows <= 64; ++rows) {
    const DeviceMatrix y = DeviceMatrix::Poisoned(stream, DType::kFp16, rows, 96);
    SmallGemm(stream, x.tensor().Rows(0, rows), w.tensor(), nullptr, SmallEpilogue::kBiasGelu,
              y.tensor());
    const std::vector<std::byte> actual = y.Bytes();
    EXPECT_TRUE(std::equal(actual.begin(), actual.end(), expected.begin())) << rows << " rows";
  }
}

// On Hopper these are two kernels: wgmma asks for more shared memory than other cards have.
TEST(SmallGemmTest, ACardWithLessSharedMemoryComputesTheSameBits) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0), smaller(0, kLeastSharedBytes);
  EXPECT_FALSE(HasSmallGemm(smaller, DType::kFp16, 2048, 768));
  Random random;
  for (const DType type : {DType::kFp16, DType::kBf16}) {
    for (const int inputs : {128, 384, 768, 1024, 1920}) {
      ASSERT_TRUE(HasSmallGemm(smaller, type, inputs, 2304));
      const auto k = static_cast<std::size_t>(inputs);
      const DeviceMatrix x(stream, type, 64, inputs, random.Values(64 * k));
      const DeviceMatrix w(stream, type, 2304, inputs, random.Values(2304 * k));
      const DeviceMatrix bias(stream, type, 1, 2304, random.Values(2304));
      for (const auto& [rows, outputs] :
           {std::pair(1, 8), {8, 768}, {27, 2304}, {33, 48}, {64, 2304}}) {
        SCOPED_TRACE(Name(type) + " " + std::to_string(rows) + " rows, " + std::to_string(inputs) +
                     " -> " + std::to_string(outputs));
        for (const SmallEpilogue epilogue : {SmallEpilogue::kBias, SmallEpilogue::kBiasGelu}) {
          const DeviceMatrix expected = DeviceMatrix::Poisoned(stream, type, rows, outputs);
          const DeviceMatrix actual = DeviceMatrix::Poisoned(smaller, type, rows, outputs);
          SmallGemm(stream, x.tensor().Rows(0, rows), w.tensor().Rows(0, outputs),
                    bias.tensor().data, epilogue, expected.tensor());
          SmallGemm(smaller, x.tensor().Rows(0, rows), w.tensor().Rows(0, outputs),
                    bias.tensor().data, epilogue, actual.tensor());
          EXPECT_EQ(actual.Bytes(), expected.Bytes());
        }
      }
    }
  }
}

TEST(SmallGemmTest, SaysWhatItTakes) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  EXPECT_TRUE(HasSmallGemm(stream, DType::kFp16, 768, 2304));
  EXPECT_FALSE(HasSmallGemm(stream, DType::kFp32, 768, 2304));
  EXPECT_FALSE(HasSmallGemm(stream, DType::kFp16, 96, 2304));
  EXPECT_FALSE(HasSmallGemm(stream, DType::kFp16, 768, 2308));
  const DeviceMatrix x = DeviceMatrix::Poisoned(stream, DType::kFp16, 65, 128);
  SmallGemm(stream, x.tensor(), x.tensor().Rows(0, 16), nullptr, SmallEpilogue::kBias, x.tensor());
  EXPECT_FALSE(stream.ok());
}

}  // namespace
}  // namespace embedserve::kernels
