#include "kernels/probe.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

TEST(ProbeTest, FillsWithDifferentValuesInRange) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    const DeviceMatrix x = DeviceMatrix::Poisoned(stream, type, 7, 129);
    FillRandom(stream, 1, x.tensor());
    const std::vector<double> values = x.Values();
    double sum = 0;
    for (const double value : values) {
      ASSERT_GE(value, -1);
      ASSERT_LE(value, 1);
      sum += value;
    }
    // 903 values of variance 1/3: six standard deviations of the mean are 0.115.
    EXPECT_LT(std::abs(sum / static_cast<double>(values.size())), 0.115);
    EXPECT_GT(std::set<double>(values.begin(), values.end()).size(), 150u);
    FillRandom(stream, 2, x.tensor());
    EXPECT_NE(x.Values(), values);
    FillRandom(stream, 1, x.tensor());
    EXPECT_EQ(x.Values(), values);
  }
}

TEST(ProbeTest, CountsEachDifferingValue) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  for (const DType type : kAllDTypes) {
    std::vector<float> values = random.Values(5 * 77);
    const DeviceMatrix a(stream, type, 5, 77, values);
    for (const std::size_t i : {0u, 100u, 101u, 384u}) values[i] += 3;
    const DeviceMatrix b(stream, type, 5, 77, values);
    const DeviceBuffer count(stream, sizeof(unsigned));
    const auto count_between = [&](const DeviceMatrix& x, const DeviceMatrix& y) {
      stream.Check(cudaMemsetAsync(count.data(), 0, sizeof(unsigned), stream.get()), "clear");
      CountDifferences(stream, x.tensor(), y.tensor(), reinterpret_cast<unsigned*>(count.data()));
      unsigned found = 0;
      stream.CopyToHost(&found, count.data(), sizeof found);
      stream.Synchronize();
      return found;
    };
    EXPECT_EQ(count_between(a, b), 4u);
    EXPECT_EQ(count_between(a, a), 0u);
    EXPECT_EQ(stream.error(), "");
  }
}

}  // namespace
}  // namespace embedserve::kernels
