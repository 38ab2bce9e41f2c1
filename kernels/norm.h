// Layer normalisation over rows, with what comes before it in a transformer.
#pragma once

#include "kernels/pooling.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// y = (x - mean(x)) / sqrt(var(x) + eps) * gamma + beta; all of it in fp32.
struct LayerNormParameters {
  const float* gamma = nullptr;  // (H), device memory
  const float* beta = nullptr;   // (H)
  float eps = 0;
};

// out = LayerNorm(x + bias + residual), (M, H) each, one type; `out` may be fp32 beside any. `bias`
// (H) is fp32 and may be null; so may residual.data. With `residual_rows` the residual is a larger
// matrix and row b of x is summed with the row that they name for b. `out` may be x, or the
// residual where it has its rows. H: any; fast for multiples of 8 up to 2048.
void AddNorm(Stream& stream, ConstTensor x, const float* bias, ConstTensor residual,
             const LayerNormParameters& norm, Tensor out, const PooledRows& residual_rows = {});

// out = x / max(|x|, eps) by row, fp32, any width, with the bits of model/engine/l2_normalize.h.
// `out` may be x.
void NormalizeRows(Stream& stream, ConstTensor x, float eps, Tensor out);

}  // namespace embedserve::kernels
