// Sums in the order of model/engine/lane_sum.h: sixteen running sums, then a tree over them, each
// step rounded by itself (no fused multiply-add). A score or a norm so summed has the host's bits.
#pragma once

#include "kernels/device/warp.cuh"

namespace embedserve::kernels {

inline constexpr int kSumLanes = 16;  // half a warp sums one row or pair

// The tree; all sixteen lanes get the sum. All threads of the warp must take part.
__device__ inline float LaneTree(float x) {
#pragma unroll
  for (int distance = kSumLanes / 2; distance > 0; distance /= 2) {
    x = __fadd_rn(x, __shfl_xor_sync(kFullWarp, x, distance));
  }
  return x;
}

}  // namespace embedserve::kernels
