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

// c (R, C * 16) = scale[r] * a (R, depth) b (depth, C * 16), with b's rows kPanel apart.
template <std::size_t R, std::size_t C>
EMBEDSERVE_INLINE void Multiply(const float* a, std::size_t a_stride, std::size_t depth,
                                const float* b, const float* scale, float* c,
                                std::size_t c_stride) {
  Vec16 sums[R][C] = {};
  for (std::size_t k = 0; k < depth; ++k) {
    Vec16 row[C];
    std::memcpy(row, b + k * kPanel, sizeof(row));
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t j = 0; j < C; ++j) sums[r][j] += a[r * a_stride + k] * row[j];
    }
  }
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t j = 0; j < C; ++j) sums[r][j] *= scale[r];
    std::memcpy(c + r * c_stride, sums[r], sizeof(sums[r]));
  }
}

// The same over all panels of b: c is (R, columns), columns a multiple of 16.
template <std::size_t R>
EMBEDSERVE_INLINE void MultiplyPanels(const float* a, std::size_t a_stride, std::size_t depth,
                                      const float* b, std::size_t columns, const float* scale,
                                      float* c, std::size_t c_stride) {
  std::size_t j = 0;
  for (; j + kPanel <= columns; j += kPanel, b += depth * kPanel) {
    Multiply<R, 2>(a, a_stride, depth, b, scale, c + j, c_stride);
  }
  if (j < columns) Multiply<R, 1>(a, a_stride, depth, b, scale, c + j, c_stride);
}

// Turns `width` scores, of which those past `length` do not count, into weights that are not yet
// divided by their sum, which it returns.
EMBEDSERVE_INLINE float Softmax(float* scores, std::size_t length, std::size_t width) {
  for (std::size_t j = length; j < width; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  float top = scores[0];
#pragma omp simd reduction(max : top)
  for (std::size_t j = 0; j < width; ++j) top = scores[j] > top ? scores[j] : top;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t j = 0; j < width; ++j) {
    scores[j] = ExpOfNonPositive(scores[j] - top);
    sum += scores[j];
  }
  return sum;
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
  for (std::size_t first = 0; first < size; first += kPanel) {
    const std::size_t count = std::min(kPanel, size - first);
    for (std::size_t j = 0; j < length; ++j, values += kPanel) {
      std::memcpy(values, head.value + j * head.stride + first, count * sizeof(float));
      if (count < kPanel) std::fill(values + count, values + kPanel, 0.0F);
    }
  }
}

template <std::size_t R, typename Out>
EMBEDSERVE_INLINE void AttendRows(const HeadInput& head, std::size_t first, const float* keys,
                                  const float* values, float* scores, float* result, Out* out,
                                  std::size_t out_stride) {
  const auto length = static_cast<std::size_t>(head.length);
  const auto size = static_cast<std::size_t>(head.head_size);
  const std::size_t width = RoundUp(length, kLanes);
  const std::size_t padded = RoundUp(size, kLanes);
  float scale[R];
  std::fill(scale, scale + R, head.scale);
  MultiplyPanels<R>(head.query + first * head.stride, head.stride, size, keys, width, scale, scores,
                    width);
  for (std::size_t r = 0; r < R; ++r) scale[r] = 1.0F / Softmax(scores + r * width, length, width);
  MultiplyPanels<R>(scores, width, length, values, padded, scale, result, padded);
  for (std::size_t r = 0; r < R; ++r) {
    Out* row = out + (first + r) * out_stride;
    for (std::size_t d = 0; d < size; ++d) Store(result[r * padded + d], row + d);
  }
}

template <typename Out>
EMBEDSERVE_INLINE void AttendAll(const HeadInput& head, float* scratch, Out* out,
                                 std::size_t out_stride) {
  const auto length = static_cast<std::size_t>(head.length);
  const auto size = static_cast<std::size_t>(head.head_size);
  float* const keys = scratch;
  float* const values = keys + RoundUp(length, kPanel) * size;
  float* const scores = values + length * RoundUp(size, kPanel);
  float* const result = scores + kRows * RoundUp(length, kLanes);
  PackKeys(head, keys);
  PackValues(head, values);
  std::size_t i = 0;
  for (; i + kRows <= length; i += kRows) {
    AttendRows<kRows>(head, i, keys, values, scores, result, out, out_stride);
  }
  for (; i < length; ++i) AttendRows<1>(head, i, keys, values, scores, result, out, out_stride);
}

}  // namespace

std::size_t AttentionScratch(int length, int head_size) {
  const auto rows = static_cast<std::size_t>(length);
  const auto size = static_cast<std::size_t>(head_size);
  return RoundUp(rows, kPanel) * size + rows * RoundUp(size, kPanel) +
         kRows * (RoundUp(rows, kLanes) + RoundUp(size, kLanes));
}

EMBEDSERVE_CLONES
void Attend(const HeadInput& head, float* scratch, float* out, std::size_t out_stride) {
  AttendAll(head, scratch, out, out_stride);
}

EMBEDSERVE_CLONES
void Attend(const HeadInput& head, float* scratch, Bf16* out, std::size_t out_stride) {
  AttendAll(head, scratch, out, out_stride);
}

}  // namespace embedserve
