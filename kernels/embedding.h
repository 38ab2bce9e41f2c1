// The first rows of an encoder: table rows summed and normalised.
#pragma once

#include <cstdint>

#include "kernels/norm.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// out[t] = LayerNorm(words[ids[t]] + positions[position_rows[t]]), (M, H). A type embedding is a
// constant row: whoever loads the tables adds it to `positions`. All tensors have one type.
// H: any; fast for multiples of 8 up to 2048. Ids and positions must lie in their tables: not
// checked here.
struct EmbeddingTables {
  ConstTensor words;      // (V, H)
  ConstTensor positions;  // (P, H)
  LayerNormParameters norm;
};
void Embed(Stream& stream, const EmbeddingTables& tables, const int32_t* ids,
           const int32_t* position_rows, Tensor out);

}  // namespace embedserve::kernels
