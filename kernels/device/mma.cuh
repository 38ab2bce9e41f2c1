// Tensor-core products of 16 x 8 x 16 on fp16 or bf16 with fp32 sums (sm_80 and later), and the
// shared-memory loads and asynchronous copies that feed them.
//
// Fragment layout (PTX ISA, mma.m16n8k16): lane = 4 g + t holds of the sum rows g (values 0, 1) and
// g + 8 (values 2, 3), columns 2 t and 2 t + 1.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace embedserve::kernels {

inline constexpr int kTileRows = 16;    // of the left operand and the sum
inline constexpr int kTileOutputs = 8;  // columns of the sum
inline constexpr int kTileDepth = 16;

// sum += a b.
template <class T>
__device__ inline void Mma(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <>
__device__ inline void Mma<__half>(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                   uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ inline void Mma<__nv_bfloat16>(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                          uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Two values as a register of a fragment; `low` is the even column.
template <class T>
__device__ inline uint32_t PackPair(float low, float high);
template <>
__device__ inline uint32_t PackPair<__half>(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}
template <>
__device__ inline uint32_t PackPair<__nv_bfloat16>(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// Four 8 x 8 matrices; lanes 8 i ... 8 i + 7 give the addresses of the rows of matrix i.
__device__ inline void LoadMatrices(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}
__device__ inline void LoadMatricesTransposed(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// 16 bytes from global to shared memory; zeros where !valid (`from` is then not read).
__device__ inline void CopyAsync(uint32_t to, const void* from, bool valid) {
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
               : "memory");
}
__device__ inline void CommitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most kPending of the groups committed by this thread are under way.
template <int kPending>
__device__ inline void WaitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// A tile of kColumns 16-bit values a row in shared memory. The 16-byte chunks of a row are permuted
// so that eight rows of one chunk column, which ldmatrix reads together, fall on different banks.
template <int kColumns>
struct SwizzledTile {
  static_assert(kColumns == 32 || kColumns == 64 || kColumns == 128, "no swizzle for this width");
  static constexpr int kChunks = kColumns / 8;
  static constexpr int kRowBytes = kColumns * 2;

  uint32_t base;  // shared-memory address, 128-byte aligned

  __device__ uint32_t At(int row, int chunk) const {
    // A bank cycle is 128 bytes: two rows of 32 columns share one.
    const int turn = kColumns == 32 ? (row >> 1) & 3 : row & 7;
    return base + static_cast<uint32_t>(row * kRowBytes + ((chunk ^ turn) << 4));
  }
};

}  // namespace embedserve::kernels
