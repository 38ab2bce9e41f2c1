// The activation as CUTLASS wants it in an epilogue. Saturates where fp16 would overflow; NaN
// stays.
#pragma once

#include "cutlass/array.h"
#include "cutlass/cutlass.h"
#include "kernels/device/gelu.cuh"

namespace embedserve::kernels {

template <class Value>
struct SaturatingGelu;
template <int kCount>
struct SaturatingGelu<cutlass::Array<float, kCount>> {
  CUTLASS_DEVICE cutlass::Array<float, kCount> operator()(
      const cutlass::Array<float, kCount>& x) const {
    cutlass::Array<float, kCount> y;
    CUTLASS_PRAGMA_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const float value = GeluErfFast(x[i]);
      y[i] = value > 65504.0f ? 65504.0f : value;
    }
    return y;
  }
};
template <>
struct SaturatingGelu<float> {};

}  // namespace embedserve::kernels
