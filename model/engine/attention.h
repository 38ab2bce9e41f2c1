// Self-attention of one head over one sequence, fp32: softmax(q k^T scale) v. The sequence is short
// and has no padding, so every key counts. What is computed, and in which order, depends on the
// sequence's own length alone: that keeps its bits the same in any batch.
#pragma once

#include <cstddef>

#include "model/engine/simd.h"

namespace embedserve {

// Rows of one head inside the output of the fused QKV product: (length, head_size), `stride` floats
// from row to row.
struct HeadInput {
  const float* query;
  const float* key;
  const float* value;
  std::size_t stride;
  int length;
  int head_size;  // D
  float scale;    // 1 / sqrt(D)
};

// Floats of scratch that Attend needs for sequences of up to `length`.
std::size_t AttentionScratch(int length, int head_size);

// Rows [begin, end) of the sequence.
struct QueryRange {
  int begin;
  int end;
};

// Writes the result's rows in `queries`, each at its own place in `out` (length, D), whose rows are
// `out_stride` elements apart. A row's bits do not depend on the range.
void Attend(const HeadInput& head, QueryRange queries, float* scratch, float* out,
            std::size_t out_stride);
void Attend(const HeadInput& head, QueryRange queries, float* scratch, Bf16* out,
            std::size_t out_stride);

}  // namespace embedserve
