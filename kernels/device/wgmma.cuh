// Tensor-core products of a group of four warps on Hopper (sm_90a): 64 rows of the left operand,
// both operands in shared memory, fp32 sums, run beside the warps that asked for them.
//
// Operands lie in rows of 64 values (128 bytes), eight rows to 1024 bytes, swizzled as
// CU_TENSOR_MAP_SWIZZLE_128B leaves them (PTX ISA, "asynchronous warpgroup level matrix shared
// memory layout"). Of the sum, warp w has rows 16 w ... 16 w + 15, in the layout of device/mma.cuh.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace embedserve::kernels {

inline constexpr int kGroupWarps = 4;
inline constexpr int kGroupRows = 64;
inline constexpr int kSwizzledRows = 8;
inline constexpr int kSwizzledColumns = 64;
inline constexpr int kSwizzledRowBytes = 128;

// What wgmma takes for an operand: the address of its first row, in units of 16 bytes, the distance
// of one group of eight rows to the next (1024 bytes), and the swizzle. A step of 16 columns is two
// units further. All but the address, which is the lower half's, is the same for all.
struct GroupOperand {
  uint32_t lower;

  __device__ explicit GroupOperand(uint32_t address) : lower((address & 0x3ffff) >> 4 | 1u << 16) {}
  __device__ uint64_t At(int bytes) const {
    constexpr uint64_t kNextRows = kSwizzledRows * kSwizzledRowBytes / 16, kSwizzle128 = 1;
    return (kNextRows | kSwizzle128 << 30) << 32 | (lower + static_cast<uint32_t>(bytes / 16));
  }
};

// Before the first product, and wherever the sums were touched otherwise.
__device__ inline void BeginProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// What was asked for since the last call is one group.
__device__ inline void CommitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Sums of one more instruction: eight columns each. Products of one sum run in the order of the
// calls.
template <class T, int kTiles>
__device__ inline void MultiplyAsync(float (&sum)[kTiles][4], uint64_t a, uint64_t b);

#define EMBEDSERVE_WGMMA(TYPE, NAME)                                                          \
  template <>                                                                                 \
  __device__ inline void MultiplyAsync<TYPE, 1>(float(&s)[1][4], uint64_t a, uint64_t b) {    \
    asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32." NAME "." NAME                   \
                 " {%0,%1,%2,%3}, %4, %5, 1, 1, 1, 0, 0;"                                     \
                 : "+f"(s[0][0]), "+f"(s[0][1]), "+f"(s[0][2]), "+f"(s[0][3])                 \
                 : "l"(a), "l"(b));                                                           \
  }                                                                                           \
  template <>                                                                                 \
  __device__ inline void MultiplyAsync<TYPE, 2>(float(&s)[2][4], uint64_t a, uint64_t b) {    \
    asm volatile("wgmma.mma_async.sync.aligned.m64n16k16.f32." NAME "." NAME                  \
                 " {%0,%1,%2,%3,%4,%5,%6,%7}, %8, %9, 1, 1, 1, 0, 0;"                         \
                 : "+f"(s[0][0]), "+f"(s[0][1]), "+f"(s[0][2]), "+f"(s[0][3]), "+f"(s[1][0]), \
                   "+f"(s[1][1]), "+f"(s[1][2]), "+f"(s[1][3])                                \
                 : "l"(a), "l"(b));                                                           \
  }                                                                                           \
  template <>                                                                                 \
  __device__ inline void MultiplyAsync<TYPE, 3>(float(&s)[3][4], uint64_t a, uint64_t b) {    \
    asm volatile("wgmma.mma_async.sync.aligned.m64n24k16.f32." NAME "." NAME                  \
                 " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11}, %12, %13, 1, 1, 1, 0, 0;"         \
                 : "+f"(s[0][0]), "+f"(s[0][1]), "+f"(s[0][2]), "+f"(s[0][3]), "+f"(s[1][0]), \
                   "+f"(s[1][1]), "+f"(s[1][2]), "+f"(s[1][3]), "+f"(s[2][0]), "+f"(s[2][1]), \
                   "+f"(s[2][2]), "+f"(s[2][3])                                               \
                 : "l"(a), "l"(b));                                                           \
  }

EMBEDSERVE_WGMMA(__half, "f16")
EMBEDSERVE_WGMMA(__nv_bfloat16, "bf16")
#undef EMBEDSERVE_WGMMA

// Returns when all but the newest `kPending` groups are done: what they read may be overwritten.
template <int kPending>
__device__ inline void WaitForProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Returns when all are done and `sum` holds their result; the compiler, which does not see them
// write, is told that they do.
template <int kTiles>
__device__ inline void FinishProducts(float (&sum)[kTiles][4]) {
  WaitForProducts<0>();
#pragma unroll
  for (int j = 0; j < kTiles; ++j) {
    asm volatile("" : "+f"(sum[j][0]), "+f"(sum[j][1]), "+f"(sum[j][2]), "+f"(sum[j][3])::"memory");
  }
}

}  // namespace embedserve::kernels
