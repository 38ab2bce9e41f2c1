#include "kernels/similarity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "kernels/norm.h"
#include "model/similarity.h"
#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

constexpr float kEps = 1e-12f;  // of the cosine

SimilarityFunction HostFunction(SimilarityKind kind) {
  switch (kind) {
    case SimilarityKind::kCosine:
      return SimilarityFunction::kCosine;
    case SimilarityKind::kDot:
      return SimilarityFunction::kDot;
    case SimilarityKind::kEuclidean:
      return SimilarityFunction::kEuclidean;
    case SimilarityKind::kManhattan:
      return SimilarityFunction::kManhattan;
  }
  return SimilarityFunction::kCosine;
}

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}
std::vector<uint32_t> Bits(const DeviceMatrix& matrix) {
  const std::vector<std::byte> bytes = matrix.Bytes();
  std::vector<uint32_t> bits(bytes.size() / sizeof(uint32_t));
  std::memcpy(bits.data(), bytes.data(), bytes.size());
  return bits;
}

// Score and bound. Errors of fp32: a lane adds at most D / 16 + 1 terms and the tree four, each
// term rounds at most three times: (D / 16 + 8) u of the terms' absolute sum. A root halves the
// relative error. A cosine adds the errors of two divided rows, of the same size each.
std::pair<double, double> Reference(SimilarityKind kind, std::span<const float> a,
                                    std::span<const float> b) {
  double dot = 0, terms = 0, aa = 0, bb = 0, squares = 0, absolute = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    dot += x * y, terms += std::abs(x * y), aa += x * x, bb += y * y;
    squares += (x - y) * (x - y), absolute += std::abs(x - y);
  }
  const double error = (static_cast<double>(a.size()) / 16 + 8) * kFp32Roundoff;
  switch (kind) {
    case SimilarityKind::kCosine:
      return {dot / std::sqrt(aa * bb), 3 * error * terms / std::sqrt(aa * bb)};
    case SimilarityKind::kDot:
      return {dot, error * terms};
    case SimilarityKind::kEuclidean:
      return {-std::sqrt(squares), error * std::sqrt(squares)};
    case SimilarityKind::kManhattan:
      return {-absolute, error * absolute};
  }
  return {0, 0};
}

struct Sides {
  std::vector<float> a, b;
  int rows_a = 0, rows_b = 0, width = 0;
  std::span<const float> RowA(int i) const { return Row(a, i); }
  std::span<const float> RowB(int i) const { return Row(b, i); }

 private:
  std::span<const float> Row(const std::vector<float>& rows, int i) const {
    const auto columns = static_cast<std::size_t>(width);
    return std::span(rows).subspan(static_cast<std::size_t>(i) * columns, columns);
  }
};

Sides RandomSides(Random& random, int rows_a, int rows_b, int width) {
  const auto size = [width](int rows) { return static_cast<std::size_t>(rows * width); };
  return {random.Values(size(rows_a)), random.Values(size(rows_b)), rows_a, rows_b, width};
}

// The rows as a kernel takes them.
DeviceMatrix Prepared(Stream& stream, SimilarityKind kind, const std::vector<float>& values,
                      int rows, int width) {
  DeviceMatrix matrix(stream, DType::kFp32, rows, width, values);
  if (kind == SimilarityKind::kCosine) {
    NormalizeRows(stream, matrix.tensor(), kEps, matrix.tensor());
  }
  return matrix;
}

void CheckMatrix(Stream& stream, SimilarityKind kind, const Sides& sides) {
  SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + ": " + std::to_string(sides.rows_a) +
               " x " + std::to_string(sides.rows_b) + " of " + std::to_string(sides.width));
  const DeviceMatrix a = Prepared(stream, kind, sides.a, sides.rows_a, sides.width);
  const DeviceMatrix b = Prepared(stream, kind, sides.b, sides.rows_b, sides.width);
  const DeviceMatrix scores =
      DeviceMatrix::Poisoned(stream, DType::kFp32, sides.rows_a, sides.rows_b);
  SimilarityMatrix(stream, kind, a.tensor(), b.tensor(), scores.tensor());

  EXPECT_EQ(Bits(scores),
            Bits(embedserve::SimilarityMatrix(HostFunction(kind), sides.a, sides.b, sides.width)));
  std::vector<double> expected, bound;
  for (int i = 0; i < sides.rows_a; ++i) {
    for (int j = 0; j < sides.rows_b; ++j) {
      const auto [value, error] = Reference(kind, sides.RowA(i), sides.RowB(j));
      expected.push_back(value);
      bound.push_back(error);
    }
  }
  EXPECT_TRUE(AllNear(scores.Values(), expected, bound, sides.rows_b));
}

TEST(SimilarityTest, MatrixMatchesDoublePrecisionAndTheHostsBits) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  for (const SimilarityKind kind : kAllSimilarityKinds) {
    for (const int width : {1, 2, 15, 16, 17, 31, 33, 384, 768, 1000}) {
      CheckMatrix(stream, kind, RandomSides(random, 5, 6, width));
    }
    for (const int rows : {1, 7, 8, 9, 17}) {
      for (const int columns : {1, 3, 4, 31, 32, 33, 65}) {
        CheckMatrix(stream, kind, RandomSides(random, rows, columns, 40));
      }
    }
  }
}

TEST(SimilarityTest, PairsHaveTheHostsBits) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  for (const SimilarityKind kind : kAllSimilarityKinds) {
    for (const int width : {1, 16, 33, 768}) {
      for (const int rows : {1, 7, 8, 9, 100}) {
        const Sides sides = RandomSides(random, rows, rows, width);
        const DeviceMatrix a = Prepared(stream, kind, sides.a, rows, width);
        const DeviceMatrix b = Prepared(stream, kind, sides.b, rows, width);
        const DeviceMatrix scores = DeviceMatrix::Poisoned(stream, DType::kFp32, 1, rows);
        PairwiseSimilarity(stream, kind, a.tensor(), b.tensor(), scores.tensor());
        EXPECT_EQ(Bits(scores),
                  Bits(embedserve::PairwiseSimilarity(HostFunction(kind), sides.a, sides.b, width)))
            << static_cast<int>(kind) << ": " << rows << " of " << width;
      }
    }
  }
}

TEST(SimilarityTest, EqualRowsAndZeroRows) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  Sides sides = RandomSides(random, 200, 1, 5);
  std::fill_n(sides.a.begin(), 5, 0.0f);
  for (const SimilarityKind kind : kAllSimilarityKinds) {
    const DeviceMatrix a = Prepared(stream, kind, sides.a, 200, 5);
    const DeviceMatrix scores = DeviceMatrix::Poisoned(stream, DType::kFp32, 1, 200);
    PairwiseSimilarity(stream, kind, a.tensor(), a.tensor(), scores.tensor());
    EXPECT_EQ(Bits(scores),
              Bits(embedserve::PairwiseSimilarity(HostFunction(kind), sides.a, sides.a, 5)));
    for (const double score : scores.Values()) {
      EXPECT_LE(score, kind == SimilarityKind::kDot ? 5 : 1);
    }
  }
}

// Columns of a row, best first.
std::vector<uint32_t> Order(std::span<const float> row) {
  std::vector<uint32_t> order(row.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [row](uint32_t i, uint32_t j) {
    if (std::isnan(row[i]) || std::isnan(row[j])) return !std::isnan(row[i]) && std::isnan(row[j]);
    return row[i] > row[j];
  });
  return order;
}

void CheckBest(Stream& stream, const std::vector<float>& scores, int rows, int columns, int k) {
  SCOPED_TRACE(std::to_string(k) + " of " + std::to_string(columns));
  const DeviceMatrix matrix(stream, DType::kFp32, rows, columns, scores);
  const DeviceMatrix best = DeviceMatrix::Poisoned(stream, DType::kFp32, rows, k);
  const DeviceMatrix indices = DeviceMatrix::Poisoned(stream, DType::kFp32, rows, k);
  BestOfEachRow(stream, matrix.tensor(), best.tensor(),
                static_cast<uint32_t*>(indices.tensor().data));
  std::vector<uint32_t> expected_indices;
  std::vector<float> expected;
  for (int i = 0; i < rows; ++i) {
    const auto width = static_cast<std::size_t>(columns);
    const auto row = std::span(scores).subspan(static_cast<std::size_t>(i) * width, width);
    const std::vector<uint32_t> order = Order(row);
    for (std::size_t j = 0; j < static_cast<std::size_t>(k); ++j) {
      expected_indices.push_back(order[j]);
      expected.push_back(row[order[j]]);
    }
  }
  EXPECT_EQ(Bits(indices), expected_indices);
  EXPECT_EQ(Bits(best), Bits(expected));
}

TEST(SimilarityTest, BestOfEachRow) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  Random random;
  for (const int columns : {1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 3001}) {
    std::vector<float> scores = random.Values(static_cast<std::size_t>(3 * columns));
    // Few levels in the second row, so that most scores tie.
    for (int i = columns; i < 2 * columns; ++i) {
      float& score = scores[static_cast<std::size_t>(i)];
      score = std::round(score * 2) / 2;
    }
    for (const int k : {1, 2, 10, 255, 256, 257, kMostBest}) {
      if (k <= columns) CheckBest(stream, scores, 3, columns, k);
    }
    if (columns <= kMostBest) CheckBest(stream, scores, 3, columns, columns);
  }
}

TEST(SimilarityTest, BestPutsNanLastAndTiesZeros) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> scores = {nan, -0.0f, 0.0f, -inf, inf, -0.0f, nan, -1e-45f, 1e-45f};
  for (const int k : {1, 5, 9}) CheckBest(stream, scores, 1, 9, k);
}

TEST(SimilarityTest, RefusesMoreThanItCanKeep) {
  EMBEDSERVE_NEED_DEVICE();
  for (const auto& [columns, k] : {std::pair{4, 5}, std::pair{kMostBest + 1, kMostBest + 1}}) {
    Stream stream(0);
    const DeviceBuffer memory(stream, static_cast<std::size_t>(3 * columns) * sizeof(float));
    BestOfEachRow(stream, {memory.data(), DType::kFp32, 1, columns},
                  {memory.data(), DType::kFp32, 1, k}, nullptr);
    EXPECT_FALSE(stream.ok());
    EXPECT_NE(stream.error().find(std::to_string(columns)), std::string::npos) << stream.error();
  }
}

}  // namespace
}  // namespace embedserve::kernels
