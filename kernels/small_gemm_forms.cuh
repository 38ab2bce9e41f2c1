// SmallGemm (small_gemm.h) by wgmma and TMA: compute capability 9.0 alone. Compiled for sm_90a,
// whatever the build is for.
#pragma once

#include "kernels/small_gemm.h"

namespace embedserve::kernels {

// Of w, in a block's shared memory, in this form and the other.
inline constexpr int kMostSmallWeightBytes = 64 << 10;

namespace sm90 {

// Does the device run this form, with this number of inputs? fp16 and bf16.
bool TakesSmallGemm(const Stream& stream, DType type, int inputs);

// `tiles` of 8 outputs a block: 1, 2 or 3, which the outputs are a multiple of; the bits do not
// depend on it.
void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, int tiles, Tensor y);

}  // namespace sm90
}  // namespace embedserve::kernels
