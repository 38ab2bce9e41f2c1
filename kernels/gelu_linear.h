// The first half of a feed-forward block in one kernel: y = GELU(x w^T + bias), erf form.
//
// cuBLASLt knows only the tanh form. Where this is not built in (EMBEDSERVE_CUTLASS=OFF), a product
// and Activate do the same in two steps.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// What the large product is made of, oldest first: kSm80 runs wherever we do, kSm90 on compute
// capability 9.0 alone. Their bits may differ.
enum class GeluLinearForm { kNone, kSm80, kSm90 };

class GeluLinear {
 public:
  // Takes the newest form that this binary holds for the stream's device, none beyond `newest`
  // (tests name an older one). Finds out on random rows whether SmallGemm gives the same bits, for
  // calls of few rows. Failures stick to `stream`.
  GeluLinear(Stream& stream, DType type, int inputs, int outputs,
             GeluLinearForm newest = GeluLinearForm::kSm90);

  // kNone: this build cannot, or the type or the shape does not fit.
  GeluLinearForm form() const { return form_; }
  bool available() const { return form_ != GeluLinearForm::kNone; }
  bool takes_few_rows_apart() const { return small_; }

  // y (M, N) from x (M, K), w (N, K), bias (N), all of one type. The activation is within 3.1e-6 of
  // the exact one and is applied to the fp32 sum. A row's bits do not depend on M.
  void Run(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) const;

 private:
  bool SmallGemmIsEqual(Stream& stream, DType type, int inputs, int outputs) const;
  void RunLarge(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) const;

  GeluLinearForm form_ = GeluLinearForm::kNone;
  bool small_ = false;
};

}  // namespace embedserve::kernels
