#include "kernels/pooling.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

struct Batch {
  std::vector<int32_t> offsets{0}, starts;
  int tokens() const { return offsets.back(); }
  int sequences() const { return static_cast<int>(starts.size()); }
};

Batch MakeBatch(const std::vector<std::pair<int, int>>& lengths_and_starts) {
  Batch batch;
  for (const auto& [length, start] : lengths_and_starts) {
    batch.offsets.push_back(batch.tokens() + length);
    batch.starts.push_back(start);
  }
  return batch;
}

// Lengths at the edges of the stripes, of the rows that a warp takes at once and beyond, with
// pooling from the start, the middle and the last token only.
const Batch& EdgeBatch() {
  static const Batch kBatch = MakeBatch({{1, 0},
                                         {2, 0},
                                         {2, 1},
                                         {3, 0},
                                         {4, 0},
                                         {5, 4},
                                         {8, 3},
                                         {29, 0},
                                         {32, 0},
                                         {33, 0},
                                         {66, 1},
                                         {512, 17}});
  return kBatch;
}

// The value, and the sum of the absolute terms, from which the error of the fp32 sum follows.
std::pair<double, double> Reference(PoolKind kind, const std::vector<double>& x, const Batch& batch,
                                    std::size_t b, std::size_t column, std::size_t width) {
  const int first = batch.offsets[b], begin = first + batch.starts[b], end = batch.offsets[b + 1];
  const auto at = [&](int row) { return x[static_cast<std::size_t>(row) * width + column]; };
  double sum = 0, absolute = 0, weights = 0, most = -INFINITY;
  for (int row = begin; row < end; ++row) {
    const double weight = kind == PoolKind::kWeightedMean ? row - first + 1 : 1;
    sum += weight * at(row);
    absolute += weight * std::abs(at(row));
    weights += weight;
    most = std::max(most, at(row));
  }
  const double divisor = kind == PoolKind::kMeanSqrtLen ? std::sqrt(weights) : weights;
  switch (kind) {
    case PoolKind::kFirst:
      return {at(begin), 0};
    case PoolKind::kLast:
      return {at(end - 1), 0};
    case PoolKind::kMax:
      return {most, 0};
    case PoolKind::kMean:
    case PoolKind::kMeanSqrtLen:
    case PoolKind::kWeightedMean:
      return {sum / divisor, absolute / divisor};
  }
  return {0, 0};
}

void Check(Stream& stream, DType type, int columns, const Batch& batch,
           const std::vector<PoolKind>& kinds) {
  SCOPED_TRACE(Name(type) + " " + std::to_string(columns));
  Random random;
  const auto width = static_cast<std::size_t>(columns);
  const DeviceMatrix x(stream, type, batch.tokens(), columns,
                       random.Values(static_cast<std::size_t>(batch.tokens()) * width));
  const DeviceInts offsets(stream, batch.offsets), starts(stream, batch.starts);
  const int out_columns = columns * static_cast<int>(kinds.size());
  const DeviceMatrix out =
      DeviceMatrix::Poisoned(stream, DType::kFp32, batch.sequences(), out_columns);
  Pool(stream, x.tensor(), {offsets.data(), starts.data(), batch.sequences()}, kinds, out.tensor());

  // A sum of n terms in fp32, divided once, in any order: n u sum|terms|. n <= 512; the weights of
  // a weighted mean and their products round once more.
  const std::vector<double> values = x.Values();
  std::vector<double> expected, bound;
  for (std::size_t b = 0; b < batch.starts.size(); ++b) {
    for (const PoolKind kind : kinds) {
      for (std::size_t c = 0; c < width; ++c) {
        const auto [value, absolute] = Reference(kind, values, batch, b, c, width);
        const int n = batch.offsets[b + 1] - batch.offsets[b];
        expected.push_back(value);
        bound.push_back((n + 4) * kFp32Roundoff * absolute);
      }
    }
  }
  EXPECT_TRUE(AllNear(out.Values(), expected, bound, out_columns));
}

TEST(PoolingTest, EveryKindMatchesTheReference) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const int columns : {8, 248, 256, 264, 768, 1, 30, 36}) {
      for (const PoolKind kind : kAllPoolKinds) Check(stream, type, columns, EdgeBatch(), {kind});
    }
  }
}

TEST(PoolingTest, KindsStandSideBySideInTheirOrder) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Check(stream, DType::kFp16, 384, EdgeBatch(),
        {PoolKind::kLast, PoolKind::kFirst, PoolKind::kMax, PoolKind::kMax});
}

TEST(PoolingTest, AnEmptySequenceGivesZeros) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const Batch batch = MakeBatch({{0, 0}, {3, 0}, {0, 0}});
  Random random;
  const DeviceMatrix x(stream, DType::kFp16, 3, 64, random.Values(3 * 64, 1, 2));
  const DeviceInts offsets(stream, batch.offsets), starts(stream, batch.starts);
  for (const PoolKind kind : kAllPoolKinds) {
    const DeviceMatrix out = DeviceMatrix::Poisoned(stream, DType::kFp32, 3, 64);
    Pool(stream, x.tensor(), {offsets.data(), starts.data(), 3}, {&kind, 1}, out.tensor());
    const std::vector<double> values = out.Values();
    EXPECT_TRUE(std::all_of(values.begin(), values.begin() + 64, [](double v) { return v == 0; }));
    EXPECT_TRUE(
        std::all_of(values.begin() + 64, values.begin() + 128, [](double v) { return v > 0; }));
    EXPECT_TRUE(std::all_of(values.begin() + 128, values.end(), [](double v) { return v == 0; }));
  }
}

TEST(PoolingTest, ASequenceHasTheSameBitsInAnyBatch) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  const std::vector<float> row_values = random.Values(37 * 768);
  std::vector<float> twice = random.Values(11 * 768);
  twice.insert(twice.end(), row_values.begin(), row_values.end());
  const DeviceMatrix alone(stream, DType::kFp16, 37, 768, row_values);
  const DeviceMatrix behind(stream, DType::kFp16, 48, 768, twice);
  const DeviceInts alone_offsets(stream, {0, 37}), alone_starts(stream, {2});
  const DeviceInts behind_offsets(stream, {0, 11, 48}), behind_starts(stream, {0, 2});
  for (const PoolKind kind : kAllPoolKinds) {
    const DeviceMatrix a = DeviceMatrix::Poisoned(stream, DType::kFp32, 1, 768);
    const DeviceMatrix b = DeviceMatrix::Poisoned(stream, DType::kFp32, 2, 768);
    Pool(stream, alone.tensor(), {alone_offsets.data(), alone_starts.data(), 1}, {&kind, 1},
         a.tensor());
    Pool(stream, behind.tensor(), {behind_offsets.data(), behind_starts.data(), 2}, {&kind, 1},
         b.tensor());
    const std::vector<std::byte> both = b.Bytes();
    EXPECT_EQ(a.Bytes(), std::vector<std::byte>(both.begin() + 768 * 4, both.end()));
  }
}

TEST(PoolingTest, GathersFirstAndLastRows) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const Batch& batch = EdgeBatch();
  for (const DType type : kAllDTypes) {
    for (const int columns : {8, 768, 1032, 1, 36, 100}) {
      Random random;
      const auto width = static_cast<std::size_t>(columns);
      const DeviceMatrix x(stream, type, batch.tokens(), columns,
                           random.Values(static_cast<std::size_t>(batch.tokens()) * width));
      const std::vector<double> values = x.Values();
      const DeviceInts offsets(stream, batch.offsets), starts(stream, batch.starts);
      for (const PoolKind kind : {PoolKind::kFirst, PoolKind::kLast}) {
        const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, batch.sequences(), columns);
        GatherRows(stream, x.tensor(), {{offsets.data(), starts.data(), batch.sequences()}, kind},
                   out.tensor());
        std::vector<double> expected;
        for (std::size_t b = 0; b < batch.starts.size(); ++b) {
          for (std::size_t c = 0; c < width; ++c) {
            expected.push_back(Reference(kind, values, batch, b, c, width).first);
          }
        }
        EXPECT_EQ(out.Values(), expected);
      }
    }
  }
}

}  // namespace
}  // namespace embedserve::kernels
