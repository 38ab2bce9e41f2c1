// One row held by one warp: lane l has the packets l, l + 32, ... of it in registers, as fp32.
#pragma once

#include "kernels/device/packet.cuh"
#include "kernels/device/warp.cuh"

namespace embedserve::kernels {

// A row of a 16-bit type on its way from memory: half the registers, and nothing waits for it yet.
template <class T, int kPackets>
struct RawRow {
  static_assert(sizeof(T) == 2, "a packet is one 16-byte word");
  uint4 packets[kPackets];

  __device__ void Load(const T* row, int columns) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      const int column = (p * kWarp + lane) * kPacket;
      if (column < columns) packets[p] = *reinterpret_cast<const uint4*>(row + column);
    }
  }
};

template <class T>
__device__ inline void Unpack(const uint4& packet, float (&out)[kPacket]) {
  union {
    uint4 word;
    T values[kPacket];
  } both;
  both.word = packet;
#pragma unroll
  for (int i = 0; i < kPacket; ++i) out[i] = ToFloat(both.values[i]);
}

template <int kPackets>
struct WarpRow {
  static_assert(kPackets > 0, "a row that no warp holds");
  float values[kPackets][kPacket];

  // Calls f(packet's values, first column) for the packets that lie inside the row.
  template <class F>
  __device__ void ForEach(int columns, F f) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      const int column = (p * kWarp + lane) * kPacket;
      if (column < columns) f(values[p], column);
    }
  }

  // Takes a row that was read ahead, as it lies in memory.
  template <class T>
  __device__ void Take(const RawRow<T, kPackets>& raw) {
#pragma unroll
    for (int p = 0; p < kPackets; ++p) Unpack<T>(raw.packets[p], values[p]);
  }
  template <class T>
  __device__ void Add(const RawRow<T, kPackets>& raw) {
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      float more[kPacket];
      Unpack<T>(raw.packets[p], more);
#pragma unroll
      for (int i = 0; i < kPacket; ++i) values[p][i] += more[i];
    }
  }
  template <class T>
  __device__ void Load(const T* row, int columns) {
    ForEach(columns, [row](float(&v)[kPacket], int column) { LoadPacket(row + column, v); });
  }
  template <class T>
  __device__ void Add(const T* row, int columns) {
    ForEach(columns, [row](float(&v)[kPacket], int column) {
      float more[kPacket];
      LoadPacket(row + column, more);
#pragma unroll
      for (int i = 0; i < kPacket; ++i) v[i] += more[i];
    });
  }
  template <class T>
  __device__ void Store(T* row, int columns) {
    ForEach(columns, [row](float(&v)[kPacket], int column) { StorePacket(row + column, v); });
  }

  // Two passes over the registers: mean, then squared deviations. One-pass variance cancels for
  // rows whose mean is far from zero.
  __device__ void LayerNorm(const float* gamma, const float* beta, float eps, int columns) {
    float sum = 0;
    ForEach(columns, [&sum](float(&v)[kPacket], int) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) sum += v[i];
    });
    const float mean = WarpSum(sum) / static_cast<float>(columns);
    float squares = 0;
    ForEach(columns, [&squares, mean](float(&v)[kPacket], int) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) squares += (v[i] - mean) * (v[i] - mean);
    });
    const float scale = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(columns) + eps);
    ForEach(columns, [=](float(&v)[kPacket], int column) {
      float g[kPacket], b[kPacket];
      LoadPacket(gamma + column, g);
      LoadPacket(beta + column, b);
#pragma unroll
      for (int i = 0; i < kPacket; ++i) v[i] = (v[i] - mean) * scale * g[i] + b[i];
    });
  }
};

// The same for a row of any width that is not held: value(c) gives its elements, three times.
template <class T, class Value>
__device__ inline void LayerNormAnyWidth(Value value, const float* gamma, const float* beta,
                                         float eps, int columns, T* out) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float sum = 0;
  for (int c = lane; c < columns; c += kWarp) sum += value(c);
  const float mean = WarpSum(sum) / static_cast<float>(columns);
  float squares = 0;
  for (int c = lane; c < columns; c += kWarp) squares += (value(c) - mean) * (value(c) - mean);
  const float scale = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(columns) + eps);
  for (int c = lane; c < columns; c += kWarp) {
    out[c] = FromFloat<T>((value(c) - mean) * scale * gamma[c] + beta[c]);
  }
}

}  // namespace embedserve::kernels
