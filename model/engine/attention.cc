#include "model/engine/attention.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "model/engine/simd.h"

namespace embedserve {
namespace {

// Keys and values are copied once per head into panels of this many columns, so that the product's
// inner loop reads one contiguous stream; 4 rows x 2 vectors of sums hide the latency of an FMA.
constexpr std::size_t kPanel = 2 * kLanes;
constexpr std::size_t kRows = 4;

constexpr std::size_t RoundUp(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Four rows of a matrix, some perhaps the same.
struct FourRows {
  const float* row[kRows];
};

// c (4, columns) = a (4, depth) b (depth, columns), b in panels; columns is a multiple of kPanel.
EMBEDSERVE_INLINE void Multiply(const FourRows& a, std::size_t depth, const float* b,
                                std::size_t columns, float* c) {
  for (std::size_t j = 0; j < columns; j += kPanel) {
    Vec16 c00{}, c01{}, c10{}, c11{}, c20{}, c21{}, c30{}, c31{};
    for (std::size_t k = 0; k < depth; ++k, b += kPanel) {
      const Vec16 b0 = Vec(b);
      const Vec16 b1 = Vec(b + kLanes);
      c00 += a.row[0][k] * b0;
      c01 += a.row[0][k] * b1;
      c10 += a.row[1][k] * b0;
      c11 += a.row[1][k] * b1;
      c20 += a.row[2][k] * b0;
      c21 += a.row[2][k] * b1;
      c30 += a.row[3][k] * b0;
      c31 += a.row[3][k] * b1;
    }
    float* const to = c + j;
    Vec(to) = c00;
    Vec(to + kLanes) = c01;
    Vec(to + columns) = c10;
    Vec(to + columns + kLanes) = c11;
    Vec(to + 2 * columns) = c20;
    Vec(to + 2 * columns + kLanes) = c21;
    Vec(to + 3 * columns) = c30;
    Vec(to + 3 * columns + kLanes) = c31;
  }
}

// Turns `width` scores, of which those past `length` do not count, into exp(scale (s - max)), and
// returns their sum. `width` is a multiple of kPanel.
EMBEDSERVE_INLINE float Softmax(float scale, std::size_t length, std::size_t width, float* scores) {
  for (std::size_t j = length; j < width; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  Vec16 tops = Vec(scores);
  for (std::size_t j = kLanes; j < width; j += kLanes) {
    KeepLarger(Vec(scores + j), tops);
  }
  const float top = LargestLane(tops);
  Vec16 sums{};
  for (std::size_t j = 0; j < width; j += kLanes) {
    Vec16 x = (Vec(scores + j) - top) * scale;
    ExpOfNonPositive(x);
    sums += x;
    Vec(scores + j) = x;
  }
  return SumOfLanes(sums);
}

// Keys transposed, (panels, D, kPanel), zero past the end; values (panels, length, kPanel).
EMBEDSERVE_INLINE void PackKeys(const HeadInput& head, float* keys) {
  const auto length = static_cast<std::size_t>(head.length);
  const auto size = static_cast<std::size_t>(head.head_size);
  for (std::size_t first = 0; first < length; first += kPanel, keys += size * kPanel) {
    const std::size_t count = std::min(kPanel, length - first);
    if (count < kPanel) std::fill(keys, keys + size * kPanel, 0.0F);
    for (std::size_t j = 0; j < count; ++j) {
      const float* row = head.key + (first + j) * head.stride;
      for (std::size_t d = 0; d < size; ++d) keys[d * kPanel + j] = row[d];
    }
  }
}

EMBEDSERVE_INLINE void PackValues(const HeadInput& head, float* values) {
  const auto length = static_cast<std::size_t>(head.length);
  const auto size = static_cast<std::size_t>(head.head_size);
  std::size_t first = 0;
  for (; first + kPanel <= size; first += kPanel) {
    for (std::size_t j = 0; j < length; ++j, values += kPanel) {
      std::memcpy(values, head.value + j * head.stride + first, kPanel * sizeof(float));
    }
  }
  if (first == size) return;
  for (std::size_t j = 0; j < length; ++j, values += kPanel) {
    const float* const row = head.value + j * head.stride;
    std::fill(std::copy(row + first, row + size, values), values + kPanel, 0.0F);
  }
}

template <typename Out>
EMBEDSERVE_INLINE void AttendTo(const HeadInput& head, QueryRange range, float* scratch, Out* out,
                                std::size_t out_stride) {
  const auto length = static_cast<std::size_t>(head.length);
  const auto size = static_cast<std::size_t>(head.head_size);
  const std::size_t width = RoundUp(length, kPanel);
  const std::size_t padded = RoundUp(size, kPanel);
  float* const keys = scratch;
  float* const values = keys + width * size;
  float* const scores = values + length * padded;  // (4, width)
  float* const result = scores + kRows * width;    // (4, padded)
  PackKeys(head, keys);
  PackValues(head, values);
  const auto end = static_cast<std::size_t>(range.end);
  for (auto first = static_cast<std::size_t>(range.begin); first < end; first += kRows) {
    // Past the end the last row is computed again, and not stored.
    FourRows queries, weights;
    float sums[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      queries.row[r] = head.query + std::min(first + r, end - 1) * head.stride;
      weights.row[r] = scores + r * width;
    }
    Multiply(queries, size, keys, width, scores);
    for (std::size_t r = 0; r < kRows; ++r) {
      sums[r] = Softmax(head.scale, length, width, scores + r * width);
    }
    Multiply(weights, length, values, padded, result);
    for (std::size_t r = 0; r < std::min(kRows, end - first); ++r) {
      Out* const row = out + (first + r) * out_stride;
      const float divisor = 1.0F / sums[r];
      for (std::size_t d = 0; d < size; ++d) Store(result[r * padded + d] * divisor, row + d);
    }
  }
}

}  // namespace

std::size_t AttentionScratch(int length, int head_size) {
  const auto rows = static_cast<std::size_t>(length);
  const auto size = static_cast<std::size_t>(head_size);
  const std::size_t width = RoundUp(rows, kPanel);
  const std::size_t padded = RoundUp(size, kPanel);
  return width * size + rows * padded + kRows * (width + padded);
}

EMBEDSERVE_CLONES
void Attend(const HeadInput& head, QueryRange queries, float* scratch, float* out,
            std::size_t out_stride) {
  AttendTo(head, queries, scratch, out, out_stride);
}

EMBEDSERVE_CLONES
void Attend(const HeadInput& head, QueryRange queries, float* scratch, Bf16* out,
            std::size_t out_stride) {
  AttendTo(head, queries, scratch, out, out_stride);
}

}  // namespace embedserve
