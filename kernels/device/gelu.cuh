// GELU in its erf form, cheap enough for the epilogue of a matrix product.
//
// x Phi(x) = x / (1 + 2^-q(x)), where q = log2(Phi / (1 - Phi)) is odd and smooth: an odd
// polynomial of degree 9 on |x| <= 6, clamped beyond, gives the whole to 3.1e-6 (erff costs several
// times as much; the tanh form is off by 4.7e-4). Rounding is spelled out, so that every kernel
// that uses this gives the same bits.
#pragma once

#include <cuda_runtime.h>

namespace embedserve::kernels {

__device__ __forceinline__ float GeluErfFast(float x) {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kC1 = 1.5956552f * kLog2e, kC3 = 0.072939861f * kLog2e,
                  kC5 = -0.00025095224f * kLog2e, kC7 = -6.0934429e-05f * kLog2e,
                  kC9 = 2.2252653e-06f * kLog2e;
  constexpr float kMost = 6.0f;
  const float t = fminf(fmaxf(x, -kMost), kMost);
  const float s = __fmul_rn(t, t);
  float q = __fmaf_rn(kC9, s, kC7);
  q = __fmaf_rn(q, s, kC5);
  q = __fmaf_rn(q, s, kC3);
  q = __fmaf_rn(q, s, kC1);
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(-__fmul_rn(q, t)));
  return __fdividef(x, __fadd_rn(1.0f, power));
}

}  // namespace embedserve::kernels
