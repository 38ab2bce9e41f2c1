// The first half of a feed-forward block in one kernel: y = GELU(x w^T + bias), erf form.
//
// cuBLASLt knows only the tanh form. Where this is not built in (EMBEDSERVE_CUTLASS=OFF) or the
// device is of another generation, a product and Activate do the same in two steps.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

class GeluLinear {
 public:
  // Finds out on random rows whether SmallGemm gives the same bits, for calls of few rows.
  // Failures stick to `stream`.
  GeluLinear(Stream& stream, DType type, int inputs, int outputs);

  // False: this build or the stream's device cannot, or the type or the shape does not fit.
  bool available() const { return available_; }
  bool takes_few_rows_apart() const { return small_; }

  // y (M, N) from x (M, K), w (N, K), bias (N), all of one type. The activation is within 3.1e-6 of
  // the exact one and is applied to the fp32 sum. A row's bits do not depend on M.
  void Run(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) const;

 private:
  bool SmallGemmIsEqual(Stream& stream, DType type, int inputs, int outputs) const;
  void RunLarge(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) const;

  bool available_ = false;
  bool small_ = false;
};

}  // namespace embedserve::kernels
