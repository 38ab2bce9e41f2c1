// y = (x + r - mean) / sqrt(var + eps) * weight + bias, one row of H at a time, fp32, the variance
// from a second pass over x + r - mean (semantics.md 10).
#pragma once

#include <vector>

#include "model/engine/simd.h"
#include "model/folder/tensor_file.h"

namespace embedserve {

class LayerNorm {
 public:
  LayerNorm(const TensorView& weight, const TensorView& bias, float eps)
      : weight_(weight.ToFloat()), bias_(bias.ToFloat()), eps_(eps) {}

  // `x`, `residual` (null: none) and `y` are rows of H; `y` may be either of the others. `rounded`,
  // where given, takes the row in bf16 as well.
  void Apply(const float* x, const float* residual, float* y, Bf16* rounded = nullptr) const;

 private:
  std::vector<float> weight_, bias_;  // (H)
  float eps_;
};

}  // namespace embedserve
