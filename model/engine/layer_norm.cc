#include "model/engine/layer_norm.h"

#include <cmath>
#include <cstddef>

#include "model/engine/simd.h"

namespace embedserve {
namespace {

EMBEDSERVE_CLONES
void Normalize(const float* x, const float* residual, const float* weight, const float* bias,
               std::size_t width, float eps, float* y) {
  float sum = 0;
  if (residual != nullptr) {
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < width; ++i) {
      y[i] = x[i] + residual[i];
      sum += y[i];
    }
  } else {
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < width; ++i) {
      y[i] = x[i];
      sum += y[i];
    }
  }
  const float mean = sum / static_cast<float>(width);
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (std::size_t i = 0; i < width; ++i) squares += (y[i] - mean) * (y[i] - mean);
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(width) + eps);
#pragma omp simd
  for (std::size_t i = 0; i < width; ++i) y[i] = (y[i] - mean) * scale * weight[i] + bias[i];
}

EMBEDSERVE_CLONES
void Round(const float* x, std::size_t width, Bf16* rounded) {
#pragma omp simd
  for (std::size_t i = 0; i < width; ++i) rounded[i] = ToBf16(x[i]);
}

}  // namespace

void LayerNorm::Apply(const float* x, const float* residual, float* y, Bf16* rounded) const {
  Normalize(x, residual, weight_.data(), bias_.data(), weight_.size(), eps_, y);
  if (rounded != nullptr) Round(y, weight_.size(), rounded);
}

}  // namespace embedserve
