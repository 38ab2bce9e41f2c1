// Sums and maxima over a warp. The butterfly gives every lane the same bits, whichever lane asks.
#pragma once

namespace embedserve::kernels {

inline constexpr int kWarp = 32;
inline constexpr unsigned kFullWarp = 0xffffffffu;

// x, the same for all lanes, as one that the compiler too knows to be so: paths that hang on it do
// not diverge, and shuffles there need no way out for the case that they do.
__device__ inline int Uniform(int x) { return __shfl_sync(kFullWarp, x, 0); }

__device__ inline float WarpSum(float x) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    x += __shfl_xor_sync(kFullWarp, x, distance);
  }
  return x;
}

__device__ inline float WarpMax(float x) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    x = fmaxf(x, __shfl_xor_sync(kFullWarp, x, distance));
  }
  return x;
}

}  // namespace embedserve::kernels
