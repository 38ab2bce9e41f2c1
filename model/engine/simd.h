// What the hand-written loops of the CPU engine share: one source, compiled for several instruction
// sets, the best chosen at start. Plain loops and GCC's vector type, no intrinsics.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

// Before a function that is not a template: clones of it for AVX-512 and AVX2 with FMA. Which clone
// runs is a property of the machine, so results are the same for all calls in a process. Not under
// a sanitizer: the resolver runs before the sanitizer's own start.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define EMBEDSERVE_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EMBEDSERVE_CLONES
#endif
// For templates and helpers that such a function calls, so that they are compiled as part of it.
#define EMBEDSERVE_INLINE inline __attribute__((always_inline))

namespace embedserve {

// Sixteen floats: one AVX-512 register, two of AVX2, four of SSE. Only ever a local variable or a
// reference: by value it would cross functions compiled for different instruction sets.
using Vec16 = float __attribute__((vector_size(64)));
using Int16 = int32_t __attribute__((vector_size(64)));
inline constexpr std::size_t kLanes = 16;

// The sixteen floats at `p`, which need no alignment.
using LooseVec16 = float __attribute__((vector_size(64), aligned(4), may_alias));
EMBEDSERVE_INLINE LooseVec16& Vec(float* p) { return *reinterpret_cast<LooseVec16*>(p); }
EMBEDSERVE_INLINE const LooseVec16& Vec(const float* p) {
  return *reinterpret_cast<const LooseVec16*>(p);
}

// Lane i of the result is lane i XOR 8, 4 or 2 of x: the steps of a sum or maximum over lanes.
#define EMBEDSERVE_SWAP_LANES_8(x) \
  __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#define EMBEDSERVE_SWAP_LANES_4(x) \
  __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define EMBEDSERVE_SWAP_LANES_2(x) \
  __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)

EMBEDSERVE_INLINE float SumOfLanes(const LooseVec16& lanes) {
  Vec16 x = lanes + EMBEDSERVE_SWAP_LANES_8(lanes);
  x += EMBEDSERVE_SWAP_LANES_4(x);
  x += EMBEDSERVE_SWAP_LANES_2(x);
  return x[0] + x[1];
}

EMBEDSERVE_INLINE void KeepLarger(const LooseVec16& other, Vec16& x) { x = other > x ? other : x; }
EMBEDSERVE_INLINE float LargestLane(const LooseVec16& lanes) {
  Vec16 x = lanes;
  KeepLarger(EMBEDSERVE_SWAP_LANES_8(x), x);
  KeepLarger(EMBEDSERVE_SWAP_LANES_4(x), x);
  KeepLarger(EMBEDSERVE_SWAP_LANES_2(x), x);
  return x[1] > x[0] ? x[1] : x[0];
}

struct Bf16 {
  uint16_t bits;
};

// Round to nearest, ties to even; a NaN stays one.
EMBEDSERVE_INLINE Bf16 ToBf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40U;
  return {static_cast<uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? quiet : rounded)};
}

EMBEDSERVE_INLINE void Store(float x, float* to) { *to = x; }
EMBEDSERVE_INLINE void Store(float x, Bf16* to) { *to = ToBf16(x); }

// x = e^x for x <= 0, within 2 ulp; 0 below -87. Cephes' reduction and polynomial (expf).
EMBEDSERVE_INLINE void ExpOfNonPositive(Vec16& x) {
  constexpr float kLeast = -87.0F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const Vec16 clamped = x < kLeast ? Vec16{} + kLeast : x;
  const Vec16 n = (clamped * 1.44269504088896341F + kRound) - kRound;
  const Vec16 r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  Vec16 p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const Vec16 y = p * (r * r) + r + 1.0F;
  const Int16 power = (__builtin_convertvector(n, Int16) + 127) << 23;
  x = x < kLeast ? Vec16{} : y * __builtin_bit_cast(Vec16, power);
}

}  // namespace embedserve
