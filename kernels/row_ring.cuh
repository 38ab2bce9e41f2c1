// LayerNorm of sums of two rows, by warps that stay and take rows in turn. The rows to come wait in
// shared memory that each lane fills and empties for itself: bytes in flight cost no registers, and
// these hold bias, gamma and beta, which would cost 18 uneven reads of L1 a row of 768. On an H100,
// 11 264 fp16 rows of 768: 0.88 of the copy speed, against 0.77 with the next row in registers and
// the vectors in L1, and 0.64 with one row a warp (bench/results/h100-kernels.json and
// h100-row-variants.json).
#pragma once

#include <algorithm>

#include "kernels/device/packet_copy.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/launch.cuh"
#include "kernels/norm.h"

namespace embedserve::kernels {

inline constexpr int kRingWarps = 4;  // of a block
inline constexpr int kRingThreads = kRingWarps * kWarp;

// Blocks on a multiprocessor: as many as the registers of the held vectors allow.
template <int kPackets>
inline constexpr int kRingBlocks = kPackets <= 2 ? 5 : 7 - kPackets;

// Pairs of rows that a warp has on their way or at work: as many as a block's static shared memory
// holds, and no more than paid.
template <class T, int kPackets>
inline constexpr int kRingStages = std::min(4, (48 << 10) / (2 * kRingThreads * kPackets * kPacket *
                                                             static_cast<int>(sizeof(T))));

// Does a ring hold such rows? kPackets as DispatchRow gives it.
template <class T, int kPackets>
constexpr bool TakesRing() {
  if constexpr (kPackets < 1 || kPackets > 4) {
    return false;
  } else {
    return kRingStages<T, kPackets> >= 2;
  }
}

// Pairs that a warp takes at most. Multiprocessors reach memory at different speeds: without an end
// of rounds the slowest are waited for, with fewer than 5.3 a batch of 11 264 tokens takes two
// waves.
inline constexpr int kRingRounds = 6;

template <int kPackets>
unsigned RingGrid(int rows, int multiprocessors) {
  const auto at_once = static_cast<unsigned>(multiprocessors * kRingBlocks<kPackets>);
  return std::max(std::min(Blocks(rows, kRingWarps), at_once),
                  Blocks(rows, kRingWarps * kRingRounds));
}

// Two rows of one width that are summed; the second may be null, then it is so for all.
template <class T>
struct RowPair {
  const T* first;
  const T* second;
};

// out[r] = LayerNorm(first + second + bias). A warp takes the rows begin, begin + step, ...:
// source.Rows(r, i) gives the i-th pair; whole warps call it, for i = 0, 1, ... below kRingRounds
// in order. source.Prepare(begin, step) reads what no kernel writes, which is all that is read
// before WaitForInput, as the vectors. A row may be written over either of its pair.
template <class T, int kPackets, class Source, class Out>
__device__ void NormalizeSums(Source source, const float* bias, const LayerNormParameters& norm,
                              int rows, int columns, Out* out) {
  constexpr int kStages = kRingStages<T, kPackets>;
  __shared__ RawPacket<T, kPacket> ring[kStages][kRingWarps][2][kPackets][kWarp];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const int step = static_cast<int>(gridDim.x) * kRingWarps;
  const int begin = static_cast<int>(blockIdx.x) * kRingWarps + warp;
  source.Prepare(begin, step);
  WarpRow<kPackets> held_bias, gamma, beta;
  if (bias != nullptr) held_bias.Load(bias, columns);
  gamma.Load(norm.gamma, columns);
  beta.Load(norm.beta, columns);
  WaitForInput();

  bool two = false;
  const auto fetch = [&](int i) {
    if (begin + i * step < rows) {
      const RowPair<T> pair = source.Rows(begin + i * step, i);
      two = pair.second != nullptr;
      auto& stage = ring[i % kStages][warp];
#pragma unroll
      for (int p = 0; p < kPackets; ++p) {
        const int column = (p * kWarp + lane) * kPacket;
        if (!IsInside<kPackets>(p, column, columns)) continue;
        CopyPacketAsync(stage[0][p][lane], pair.first + column);
        if (two) CopyPacketAsync(stage[1][p][lane], pair.second + column);
      }
    }
    CommitCopies();
  };
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) fetch(i);
  for (int i = 0; begin + i * step < rows; ++i) {
    fetch(i + kStages - 1);
    WaitForCopies<kStages - 1>();
    const auto& stage = ring[i % kStages][warp];
    WarpRow<kPackets> sum;
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      stage[0][p][lane].Unpack(sum.values[p]);
      if (!two) continue;
      float more[kPacket];
      stage[1][p][lane].Unpack(more);
#pragma unroll
      for (int c = 0; c < kPacket; ++c) sum.values[p][c] += more[c];
    }
    if (bias != nullptr) sum.Add(held_bias);
    sum.Standardize(norm.eps, columns);
    sum.Scale(gamma, beta);
    sum.Store(out + static_cast<std::size_t>(begin + i * step) * static_cast<std::size_t>(columns),
              columns);
  }
}

}  // namespace embedserve::kernels
