// GeluLinear by CUTLASS on Hopper (compute capability 9.0). Each function lies in a file of its
// own: one instantiation takes the compiler a minute.
#pragma once

#include <cuda_runtime_api.h>

namespace embedserve::kernels::sm90 {

struct GeluLinearArguments {
  const void* x;     // (M, K)
  const void* w;     // (N, K)
  const void* bias;  // (N)
  void* y;           // (M, N)
  int m, n, k;       // n and k: multiples of 8
  int ordinal;
  int multiprocessors;
};

cudaError_t GeluLinearFp16(const GeluLinearArguments& arguments, cudaStream_t stream);
cudaError_t GeluLinearBf16(const GeluLinearArguments& arguments, cudaStream_t stream);

}  // namespace embedserve::kernels::sm90
