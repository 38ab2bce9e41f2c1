#include "kernels/convert.h"

#include <gtest/gtest.h>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

// The host's own conversion rounds to nearest even too: equality, not a bound.
TEST(ConvertTest, RoundsAsTheHostDoes) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType from : kAllDTypes) {
    for (const DType to : kAllDTypes) {
      for (const int columns : {1, 7, 256, 1000}) {
        Random random;
        const auto size = static_cast<std::size_t>(3 * columns);
        const DeviceMatrix x(stream, from, 3, columns, random.Values(size, -300, 300));
        const std::vector<double> exact = x.Values();
        const DeviceMatrix expected(stream, to, 3, columns,
                                    std::vector<float>(exact.begin(), exact.end()));
        const DeviceMatrix out = DeviceMatrix::Poisoned(stream, to, 3, columns);
        Convert(stream, x.tensor(), out.tensor());
        EXPECT_EQ(out.Bytes(), expected.Bytes()) << Name(from) << " to " << Name(to);
      }
    }
  }
}

TEST(ConvertTest, APieceMayBeginAnywhere) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const int first : {1, 2, 8}) {
    Random random;
    const DeviceMatrix x(stream, DType::kFp32, 24, 1, random.Values(24));
    const DeviceMatrix out = DeviceMatrix::Poisoned(stream, DType::kFp16, 24, 1);
    Convert(stream, x.tensor().Rows(0, 16), out.tensor().Rows(first, 16));
    const std::vector<double> exact = x.Values(), got = out.Values();
    const auto begin = static_cast<std::size_t>(first);
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (i < begin || i >= begin + 16) {
        EXPECT_TRUE(std::isnan(got[i])) << i;
      } else {
        EXPECT_NEAR(got[i], exact[i - begin], Roundoff(DType::kFp16)) << i;
      }
    }
  }
}

TEST(ConvertTest, SaturatesInsteadOfOverflowing) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const DeviceMatrix x(stream, DType::kFp32, 1, 4, {1e6f, -1e6f, 65504.0f, std::nanf("")});
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, DType::kFp16, 1, 4);
  Convert(stream, x.tensor(), out.tensor());
  const std::vector<double> values = out.Values();
  EXPECT_EQ(values[0], 65504);
  EXPECT_EQ(values[1], -65504);
  EXPECT_EQ(values[2], 65504);
  EXPECT_TRUE(std::isnan(values[3]));
}

}  // namespace
}  // namespace embedserve::kernels
