// What the hand-written loops of the CPU engine share: one source, compiled for several instruction
// sets, the best chosen at start. Plain loops and GCC's vector type, no intrinsics.
#pragma once

#include <bit>
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

// Sixteen floats: one AVX-512 register, two of AVX2, four of SSE. Only ever a local variable.
using Vec16 = float __attribute__((vector_size(64)));
inline constexpr int kLanes = 16;

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

// e^x for x <= 0, within 2 ulp; 0 below -87. Cephes' reduction and polynomial (expf), written so
// that a loop over it vectorises.
EMBEDSERVE_INLINE float ExpOfNonPositive(float x) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x < -87.0F ? -87.0F : x;
  const float n = (clamped * 1.44269504088896341F + kRound) - kRound;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float y = p * (r * r) + r + 1.0F;
  const auto scale = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return x < -87.0F ? 0.0F : y * scale;
}

}  // namespace embedserve
