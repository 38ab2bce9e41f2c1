// From token rows to one fp32 row a sequence.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// Over the positions p0 <= i < L of a sequence, p0 its pooling start, h its rows:
enum class PoolKind {
  kFirst,         // h[p0]
  kMax,           // element-wise maximum
  kMean,          // sum h / n, n = L - p0
  kMeanSqrtLen,   // sum h / sqrt n
  kWeightedMean,  // sum (i + 1) h[i] / sum (i + 1)
  kLast,          // h[L - 1]
};

inline constexpr PoolKind kAllPoolKinds[] = {PoolKind::kFirst,        PoolKind::kMax,
                                             PoolKind::kMean,         PoolKind::kMeanSqrtLen,
                                             PoolKind::kWeightedMean, PoolKind::kLast};

// Sequence b is rows [offsets[b], offsets[b + 1]) of `x`; starts[b] is its p0. Device memory.
struct Sequences {
  const int32_t* offsets = nullptr;  // (B + 1)
  const int32_t* starts = nullptr;   // (B)
  int count = 0;                     // B
};

// The row of a matrix that belongs to sequence b: of a matrix with a row a token, the one that
// kFirst or kLast takes, some row for a sequence of length 0. Without sequences it is row b.
struct PooledRows {
  Sequences sequences;
  PoolKind kind = PoolKind::kFirst;
};

// out (B, kinds * H) fp32: the kinds side by side in their order. Sums are fp32, in an order that
// the sequence's own length fixes. A sequence of length 0 gives zeros.
void Pool(Stream& stream, ConstTensor x, const Sequences& sequences,
          std::span<const PoolKind> kinds, Tensor out);

// out[b] = the row of `x` that belongs to sequence b, in x's type; out.rows is their number.
void GatherRows(Stream& stream, ConstTensor x, const PooledRows& rows, Tensor out);

}  // namespace embedserve::kernels
