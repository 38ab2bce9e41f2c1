// Eight consecutive values of a row: read and written in 16-byte accesses, computed on in fp32.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

namespace embedserve::kernels {

inline constexpr int kPacket = 8;

template <class T>
__device__ inline T FromFloat(float x);
template <>
__device__ inline float FromFloat<float>(float x) {
  return x;
}
// Saturates, in the one instruction that rounds: a finite value never becomes infinite by being
// stored. NaN stays NaN, so a broken row cannot turn into a plausible one.
template <>
__device__ inline __half FromFloat<__half>(float x) {
  __half_raw half;
  asm("cvt.rn.satfinite.f16.f32 %0, %1;" : "=h"(half.x) : "f"(x));
  return half;
}
template <>
__device__ inline __nv_bfloat16 FromFloat<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

__device__ inline float ToFloat(float x) { return x; }
__device__ inline float ToFloat(__half x) { return __half2float(x); }
__device__ inline float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }

// kCount values as they lie in memory: kPacket of them in 16-byte words, 16-byte aligned, or a
// single one where rows are not. 16-bit values take half the registers of what is computed on.
template <class T, int kCount>
struct RawPacket {
  static_assert(kCount == kPacket, "16-byte accesses or single values");
  static constexpr int kWords = sizeof(T) * kPacket / sizeof(uint4);
  uint4 words[kWords];

  __device__ void Load(const T* from) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) words[i] = reinterpret_cast<const uint4*>(from)[i];
  }
  __device__ void Unpack(float (&out)[kPacket]) const {
    union {
      uint4 words[kWords];
      T values[kPacket];
    } both;
#pragma unroll
    for (int i = 0; i < kWords; ++i) both.words[i] = words[i];
#pragma unroll
    for (int i = 0; i < kPacket; ++i) out[i] = ToFloat(both.values[i]);
  }
};
template <class T>
struct RawPacket<T, 1> {
  T value;
  __device__ void Load(const T* from) { value = *from; }
  __device__ void Unpack(float (&out)[1]) const { out[0] = ToFloat(value); }
};

template <class T, int kCount>
__device__ inline void LoadPacket(const T* from, float (&out)[kCount]) {
  RawPacket<T, kCount> packet;
  packet.Load(from);
  packet.Unpack(out);
}

template <class T, int kCount>
__device__ inline void StorePacket(T* to, const float (&in)[kCount]) {
  if constexpr (kCount == 1) {
    *to = FromFloat<T>(in[0]);
  } else {
    static_assert(kCount == kPacket, "16-byte accesses or single values");
    constexpr int kWords = sizeof(T) * kPacket / sizeof(uint4);
    union {
      uint4 words[kWords];
      uint32_t pairs[kPacket / 2];
      T values[kPacket];
    } packet;
    if constexpr (std::is_same_v<T, __half>) {  // two by one instruction
#pragma unroll
      for (int i = 0; i < kPacket; i += 2) {
        asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;"
            : "=r"(packet.pairs[i / 2])
            : "f"(in[i + 1]), "f"(in[i]));
      }
    } else {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) packet.values[i] = FromFloat<T>(in[i]);
    }
#pragma unroll
    for (int i = 0; i < kWords; ++i) reinterpret_cast<uint4*>(to)[i] = packet.words[i];
  }
}

}  // namespace embedserve::kernels
