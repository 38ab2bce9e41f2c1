// y = (x w^T) * x_scales * w_scales + bias on 8-bit operands by CUTLASS, to be measured beside
// cuBLASLt: not a part of the product.
#pragma once

#include <cuda_runtime_api.h>

namespace embedserve {

struct Fp8LinearArguments {
  const void* x;          // (M, K) e4m3
  const void* w;          // (N, K) e4m3
  const float* x_scales;  // (M)
  const float* w_scales;  // (N)
  const void* bias;       // (N) fp16
  void* y;                // (M, N) fp16
  int m, n, k;            // n and k: multiples of 16
  int ordinal, multiprocessors;
};

// fast_sums: sums stay in the tensor core, which keeps fewer bits of them; else they are carried to
// fp32 registers every 128 steps of K. cudaErrorNotSupported where CUTLASS is not built in.
cudaError_t Fp8Linear(const Fp8LinearArguments& arguments, bool fast_sums, cudaStream_t stream);

}  // namespace embedserve
