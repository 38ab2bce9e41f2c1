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

// Writes (length, D) to `out`, rows `out_stride` elements apart.
void Attend(const HeadInput& head, float* scratch, float* out, std::size_t out_stride);
void Attend(const HeadInput& head, float* scratch, Bf16* out, std::size_t out_stride);

}  // namespace embedserve
