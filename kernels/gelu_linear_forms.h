// GeluLinear by CUTLASS, in two forms. Each function lies in a file of its own: one instantiation
// takes the compiler up to a minute.
#pragma once

#include <cuda_runtime_api.h>

namespace embedserve::kernels {

struct GeluLinearArguments {
  const void* x;     // (M, K)
  const void* w;     // (N, K)
  const void* bias;  // (N)
  void* y;           // (M, N)
  int m, n, k;       // n and k: multiples of 8
  int ordinal;
  int multiprocessors;
};

struct GeluLinearKernel {
  cudaError_t (*run)(const GeluLinearArguments& arguments, cudaStream_t stream);
  const void* kernel;  // what CodeArchitecture takes
};

// mma.sync and cp.async: Ampere and everything later. Compiled for every architecture of the build.
namespace sm80 {
GeluLinearKernel GeluLinearFp16();
GeluLinearKernel GeluLinearBf16();
}  // namespace sm80

// wgmma and TMA: compute capability 9.0 alone. Compiled for sm_90a, whatever the build is for.
namespace sm90 {
GeluLinearKernel GeluLinearFp16();
GeluLinearKernel GeluLinearBf16();
}  // namespace sm90

}  // namespace embedserve::kernels
