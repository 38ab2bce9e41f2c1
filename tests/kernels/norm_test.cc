#include "kernels/norm.h"

#include <gtest/gtest.h>

#include "kernels/convert.h"
#include "kernels/pooling.h"
#include "tests/kernels/device_matrix.h"
#include "tests/kernels/layer_norm_reference.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

constexpr float kEps = 1e-5f;
const std::vector<int> kRows = {1, 3, 4, 5, 127};
const std::vector<int> kWidths = {8, 24, 248, 256, 264, 384, 512, 768, 1024, 1032, 2048,
                                  // not held by a warp, or not aligned:
                                  1, 2, 31, 33, 36, 100, 2056, 3000};

void CheckAddNorm(Stream& stream, DType type, int rows, int columns, bool with_bias,
                  bool with_residual) {
  SCOPED_TRACE(Name(type) + " " + std::to_string(rows) + " x " + std::to_string(columns));
  Random random;
  const auto size = static_cast<std::size_t>(rows * columns);
  const auto width = static_cast<std::size_t>(columns);
  // A mean far from zero: one-pass variance would lose it.
  const DeviceMatrix x(stream, type, rows, columns, random.Values(size, 2.0f, 4.0f));
  const DeviceMatrix residual(stream, type, rows, columns, random.Values(size));
  const DeviceMatrix bias(stream, DType::kFp32, 1, columns, random.Values(width));
  const DeviceMatrix gamma(stream, DType::kFp32, 1, columns, random.Values(width));
  const DeviceMatrix beta(stream, DType::kFp32, 1, columns, random.Values(width));
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, rows, columns);
  AddNorm(stream, x.tensor(), with_bias ? bias.as<float>() : nullptr,
          with_residual ? ConstTensor(residual.tensor()) : ConstTensor(),
          {gamma.as<float>(), beta.as<float>(), kEps}, out.tensor());

  std::vector<double> sum = x.Values();
  const std::vector<double> r = residual.Values(), b = bias.Values();
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += (with_residual ? r[i] : 0.0) + (with_bias ? b[i % width] : 0.0);
  }
  const NormReference reference =
      LayerNormReference(sum, columns, gamma.Values(), beta.Values(), kEps, type);
  EXPECT_TRUE(AllNear(out.Values(), reference.values, reference.bound, columns));
}

TEST(NormTest, AddNormMatchesTheReference) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const int columns : kWidths) CheckAddNorm(stream, type, 5, columns, true, true);
    for (const int rows : kRows) CheckAddNorm(stream, type, rows, 768, true, true);
    CheckAddNorm(stream, type, 7, 384, false, true);
    CheckAddNorm(stream, type, 7, 384, true, false);
    CheckAddNorm(stream, type, 7, 384, false, false);
  }
}

// More rows than the warps of a device take in one round, for each instance of the kernels.
TEST(NormTest, ARowHasTheSameBitsAtAnyPlace) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  constexpr std::size_t kFew = 61;
  const auto many = static_cast<std::size_t>(stream.multiprocessors() * 100 + 3);
  for (const DType type : kAllDTypes) {
    for (const int columns : {8, 264, 520, 776, 1032, 30}) {
      SCOPED_TRACE(Name(type) + " " + std::to_string(columns));
      Random random;
      const auto width = static_cast<std::size_t>(columns);
      const std::vector<float> few_x = random.Values(kFew * width);
      const std::vector<float> few_r = random.Values(kFew * width);
      const DeviceMatrix vectors(stream, DType::kFp32, 3, columns, random.Values(3 * width));
      const auto norm = [&](const std::vector<float>& x_values,
                            const std::vector<float>& r_values) {
        const int rows = static_cast<int>(x_values.size() / width);
        const DeviceMatrix x(stream, type, rows, columns, x_values);
        const DeviceMatrix r(stream, type, rows, columns, r_values);
        const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, rows, columns);
        const auto* const bias = vectors.as<float>();
        AddNorm(stream, x.tensor(), bias, r.tensor(), {bias + width, bias + 2 * width, kEps},
                out.tensor());
        return out.Bytes();
      };
      EXPECT_TRUE(norm(Cycled(few_x, many * width), Cycled(few_r, many * width)) ==
                  Cycled(norm(few_x, few_r), many * width * ByteSize(type)));
    }
  }
}

// The residual of row b is the first or last row of sequence b; results in fp32 are those that the
// type rounds.
TEST(NormTest, AddNormTakesPooledRowsAndGivesFp32) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const DeviceInts offsets(stream, {0, 3, 4, 4, 40}), starts(stream, {1, 0, 0, 17});
  for (const DType type : kAllDTypes) {
    for (const int columns : {8, 768, 1032, 30}) {
      SCOPED_TRACE(Name(type) + " " + std::to_string(columns));
      Random random;
      const auto width = static_cast<std::size_t>(columns);
      const DeviceMatrix x(stream, type, 4, columns, random.Values(4 * width));
      const DeviceMatrix residual(stream, type, 40, columns, random.Values(40 * width));
      const DeviceMatrix vectors(stream, DType::kFp32, 3, columns, random.Values(3 * width));
      const auto* const bias = vectors.as<float>();
      const LayerNormParameters norm{bias + width, bias + 2 * width, kEps};
      for (const PoolKind kind : {PoolKind::kFirst, PoolKind::kLast}) {
        const PooledRows rows{{offsets.data(), starts.data(), 4}, kind};
        const DeviceMatrix gathered = DeviceMatrix::Poisoned(stream, type, 4, columns);
        GatherRows(stream, residual.tensor(), rows, gathered.tensor());
        const DeviceMatrix expected = DeviceMatrix::Poisoned(stream, type, 4, columns);
        AddNorm(stream, x.tensor(), bias, gathered.tensor(), norm, expected.tensor());
        const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, 4, columns);
        AddNorm(stream, x.tensor(), bias, residual.tensor(), norm, out.tensor(), rows);
        EXPECT_EQ(out.Bytes(), expected.Bytes());
        const DeviceMatrix wide = DeviceMatrix::Poisoned(stream, DType::kFp32, 4, columns);
        AddNorm(stream, x.tensor(), bias, residual.tensor(), norm, wide.tensor(), rows);
        const DeviceMatrix rounded = DeviceMatrix::Poisoned(stream, type, 4, columns);
        Convert(stream, wide.tensor(), rounded.tensor());
        EXPECT_EQ(rounded.Bytes(), expected.Bytes());
      }
    }
  }
}

TEST(NormTest, AddNormMayWriteOverItsInputs) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  const std::vector<float> x_values = random.Values(33 * 768), r_values = random.Values(33 * 768);
  const DeviceMatrix gamma(stream, DType::kFp32, 1, 768, random.Values(768));
  const DeviceMatrix beta(stream, DType::kFp32, 1, 768, random.Values(768));
  const LayerNormParameters norm{gamma.as<float>(), beta.as<float>(), kEps};
  const DeviceMatrix x(stream, DType::kFp16, 33, 768, x_values);
  const DeviceMatrix r(stream, DType::kFp16, 33, 768, r_values);
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, DType::kFp16, 33, 768);
  AddNorm(stream, x.tensor(), nullptr, r.tensor(), norm, out.tensor());
  const DeviceMatrix over_r(stream, DType::kFp16, 33, 768, r_values);
  AddNorm(stream, x.tensor(), nullptr, over_r.tensor(), norm, over_r.tensor());
  AddNorm(stream, x.tensor(), nullptr, r.tensor(), norm, x.tensor());
  EXPECT_EQ(over_r.Bytes(), out.Bytes());
  EXPECT_EQ(x.Bytes(), out.Bytes());
}

TEST(NormTest, HalfSaturatesAndKeepsNan) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  // Rows that normalise to plus and minus one, scaled beyond the range of fp16 in both ways.
  std::vector<float> values(16, 1.0f);
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] = -1.0f;
  values[15] = std::nanf("");  // spoils the second row
  std::vector<float> scale(8, 1e6f);
  scale[7] = 3.0f;
  const DeviceMatrix x(stream, DType::kFp16, 2, 8, values);
  const DeviceMatrix gamma(stream, DType::kFp32, 1, 8, scale);
  const DeviceMatrix beta(stream, DType::kFp32, 1, 8, std::vector<float>(8));
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, DType::kFp16, 2, 8);
  AddNorm(stream, x.tensor(), nullptr, {}, {gamma.as<float>(), beta.as<float>(), 0.0f},
          out.tensor());
  const std::vector<double> got = out.Values();
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(got[i], i % 2 == 0 ? -65504 : 65504) << i;
  EXPECT_EQ(got[7], 3);
  for (std::size_t i = 8; i < 16; ++i) EXPECT_TRUE(std::isnan(got[i])) << i;
}

TEST(NormTest, NormalizesRowsAndLeavesAZeroRow) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const int columns : {1, 31, 33, 768}) {
    Random random;
    const auto width = static_cast<std::size_t>(columns);
    std::vector<float> values = random.Values(6 * width);
    std::fill_n(values.begin(), columns, 0.0f);
    const DeviceMatrix x(stream, DType::kFp32, 6, columns, values);
    NormalizeRows(stream, x.tensor(), 1e-12f, x.tensor());
    std::vector<double> expected, bound;
    for (std::size_t row = 0; row < 6; ++row) {
      double squares = 0;
      for (std::size_t c = 0; c < width; ++c) squares += std::pow(values[row * width + c], 2);
      for (std::size_t c = 0; c < width; ++c) {
        expected.push_back(row == 0 ? 0.0 : values[row * width + c] / std::sqrt(squares));
        // Half of 48 terms a lane and 4 of the tree, the root, the quotient.
        bound.push_back(32 * kFp32Roundoff * std::abs(expected.back()));
      }
    }
    EXPECT_TRUE(AllNear(x.Values(), expected, bound, columns)) << columns;
  }
}

}  // namespace
}  // namespace embedserve::kernels
