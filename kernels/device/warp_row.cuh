// One row held by one warp: lane l has the packets l, l + 32, ... of it in registers, as fp32. What
// lies beyond the row's end holds nothing and is never looked at.
#pragma once

#include "kernels/device/packet.cuh"
#include "kernels/device/warp.cuh"

namespace embedserve::kernels {

// Does packet p of a lane lie inside a row? kPackets as DispatchRow gives it (8 for 5 to 8): all
// but the last do, which the compiler then knows.
template <int kPackets>
__device__ inline bool IsInside(int p, int column, int columns) {
  constexpr int kSurely = kPackets <= 4 ? kPackets - 1 : 4;
  return p < kSurely || column < columns;
}

// By halves: three dependent additions, where latency counts, and not eight.
__device__ inline float Total(const float (&v)[kPacket]) {
  static_assert(kPacket == 8, "a tree of three levels");
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
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
      if (IsInside<kPackets>(p, column, columns)) f(values[p], column);
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

  __device__ void Add(const WarpRow& more) {
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) values[p][i] += more.values[p][i];
    }
  }

  // To mean 0 and variance 1, but for eps. Two passes over the registers: mean, then squared
  // deviations. One-pass variance cancels for rows whose mean is far from zero.
  __device__ void Standardize(float eps, int columns) {
    const float share = 1.0f / static_cast<float>(columns);
    float sums[kPacket] = {};
    ForEach(columns, [&sums](float(&v)[kPacket], int) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) sums[i] += v[i];
    });
    const float mean = WarpSum(Total(sums)) * share;
    float squares[kPacket] = {};
    ForEach(columns, [&squares, mean](float(&v)[kPacket], int) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) {
        v[i] -= mean;
        squares[i] += v[i] * v[i];
      }
    });
    const float scale = rsqrtf(WarpSum(Total(squares)) * share + eps);
    ForEach(columns, [scale](float(&v)[kPacket], int) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) v[i] *= scale;
    });
  }
  // values * gamma + beta, which are held like the row or lie in memory.
  __device__ void Scale(const WarpRow& gamma, const WarpRow& beta) {
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
#pragma unroll
      for (int i = 0; i < kPacket; ++i) {
        values[p][i] = values[p][i] * gamma.values[p][i] + beta.values[p][i];
      }
    }
  }
  __device__ void Scale(const float* gamma, const float* beta, int columns) {
    ForEach(columns, [=](float(&v)[kPacket], int column) {
      float g[kPacket], b[kPacket];
      LoadPacket(gamma + column, g);
      LoadPacket(beta + column, b);
#pragma unroll
      for (int i = 0; i < kPacket; ++i) v[i] = v[i] * g[i] + b[i];
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
