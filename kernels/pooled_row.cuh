// Which row of a matrix belongs to a sequence. Reads the batch's own arrays, which are copied to
// the device before its first kernel starts: allowed before WaitForInput (early.cuh).
#pragma once

#include "kernels/pooling.h"

namespace embedserve::kernels {

// A row that exists, even for a sequence of length 0.
__device__ inline int PooledRow(const PooledRows& rows, int b) {
  const Sequences& sequences = rows.sequences;
  if (sequences.offsets == nullptr) return b;
  const int last = sequences.offsets[b + 1] - 1;
  const int row =
      rows.kind == PoolKind::kLast ? last : min(sequences.offsets[b] + sequences.starts[b], last);
  return max(row, 0);
}

}  // namespace embedserve::kernels
