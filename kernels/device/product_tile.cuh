// A product of few rows as one warp computes it: 16 rows by 8 outputs a tile, both operands in
// shared memory, the sum over K in steps of 16, in order. This order defines the bits of y = x w^T
// + bias.
#pragma once

#include "kernels/device/gelu.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/packet.cuh"

namespace embedserve::kernels {

// Rows of 16-bit values in shared memory. With a stride of 16 bytes modulo 128 the eight rows of
// one 16-byte column, which ldmatrix reads together, fall on different banks.
struct PaddedRows {
  uint32_t base;  // shared-memory address
  int stride;     // bytes

  static __host__ __device__ constexpr int Stride(int columns) { return 2 * columns + 16; }
  __device__ uint32_t At(int row, int column16) const {
    return base + static_cast<uint32_t>(row * stride + column16 * 16);
  }
};

// Some steps of a row of tiles in registers, as the tensor cores take them.
template <class T, int kOutputTiles, int kSteps = 4>
struct Fragments {
  static_assert(kSteps % 2 == 0, "weights are loaded two steps at a time");
  static constexpr int kColumns = kSteps * kTileDepth;
  static constexpr int kColumns16 = kColumns / 8;
  uint32_t x[kSteps][4];
  uint32_t w[kOutputTiles][kSteps][2];

  // From the 16-byte columns x16 and w16 on.
  __device__ void Load(PaddedRows rows, int first_row, int x16, PaddedRows weights,
                       int first_output, int w16, int lane) {
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      LoadMatrices(x[k], rows.At(first_row + (lane & 15), x16 + 2 * k + (lane >> 4)));
    }
#pragma unroll
    for (int j = 0; j < kOutputTiles; ++j) {
#pragma unroll
      for (int k = 0; k < kSteps; k += 2) {
        uint32_t pair[4];
        LoadMatrices(pair, weights.At(first_output + kTileOutputs * j + (lane & 7),
                                      w16 + 2 * k + (lane >> 3)));
        w[j][k][0] = pair[0], w[j][k][1] = pair[1];
        w[j][k + 1][0] = pair[2], w[j][k + 1][1] = pair[3];
      }
    }
  }
  __device__ void Multiply(float (&sum)[kOutputTiles][4]) const {
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
#pragma unroll
      for (int j = 0; j < kOutputTiles; ++j) Mma<T>(sum[j], x[k], w[j][k][0], w[j][k][1]);
    }
  }
};

// What a lane stores of a tile: its two sums of row g (i = 0) or g + 8 (i = 2).
template <class T, bool kGelu>
__device__ inline uint32_t FinishPair(const float (&sum)[4], int i, const float (&bias)[2],
                                      bool with_bias) {
  float value[2];
#pragma unroll
  for (int c = 0; c < 2; ++c) {
    value[c] = with_bias ? __fadd_rn(sum[i + c], bias[c]) : sum[i + c];
    if constexpr (kGelu) value[c] = GeluErfFast(value[c]);
  }
  union {
    T values[2];
    uint32_t word;
  } both;
  both.values[0] = FromFloat<T>(value[0]), both.values[1] = FromFloat<T>(value[1]);
  return both.word;
}

// A lane's two columns of `bias` in each tile, from `first_output` on; zeros without one.
template <class T, int kOutputTiles>
struct TileBias {
  bool present;
  float values[kOutputTiles][2];

  __device__ TileBias(const T* bias, int first_output, int lane) : present(bias != nullptr) {
    const int column = first_output + 2 * (lane & 3);
#pragma unroll
    for (int j = 0; j < kOutputTiles; ++j) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        values[j][c] = present ? ToFloat(bias[column + kTileOutputs * j + c]) : 0.0f;
      }
    }
  }
};

// Finishes and stores the tiles that a warp holds of rows [first_row, first_row + 16), as far as
// there are, to y (rows, outputs).
template <bool kGelu, class T, int kOutputTiles>
__device__ inline void StoreTiles(const float (&sum)[kOutputTiles][4],
                                  const TileBias<T, kOutputTiles>& bias, int first_row, int rows,
                                  int first_output, int outputs, int lane, T* y) {
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const int row = first_row + (lane >> 2) + 4 * i;
    if (row >= rows) break;
    T* const to = y + static_cast<std::size_t>(row) * static_cast<std::size_t>(outputs) +
                  first_output + 2 * (lane & 3);
#pragma unroll
    for (int j = 0; j < kOutputTiles; ++j) {
      *reinterpret_cast<uint32_t*>(to + kTileOutputs * j) =
          FinishPair<T, kGelu>(sum[j], i, bias.values[j], bias.present);
    }
  }
}

}  // namespace embedserve::kernels
