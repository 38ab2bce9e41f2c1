// What one warp does with 16 query rows: scores against a block of keys, softmax, product with the
// values. Shared by the kernels for short and for long sequences.
#pragma once

#include "kernels/device/mma.cuh"
#include "kernels/device/warp.cuh"

namespace embedserve::kernels {

// 2^x in one instruction, 2 ulp, flushes subnormal results; 2^-inf = 0.
__device__ inline float Exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ inline float QuadMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(kFullWarp, x, 1));
  return fmaxf(x, __shfl_xor_sync(kFullWarp, x, 2));
}
__device__ inline float QuadSum(float x) {
  x += __shfl_xor_sync(kFullWarp, x, 1);
  return x + __shfl_xor_sync(kFullWarp, x, 2);
}

// Copies rows [0, rows) of a head's slice into a tile, the columns beyond `head_size` and the rows
// beyond `valid_rows` as zeros: 0 times a stale NaN would be NaN. kThreads threads share the work,
// each has one chunk of every few rows; rows <= kMostRows.
template <int kThreads, int kMostRows, class T, int kColumns>
__device__ inline void CopyTile(SwizzledTile<kColumns> tile, const T* from, int stride, int rows,
                                int valid_rows, int head_size, int thread) {
  constexpr int kChunks = SwizzledTile<kColumns>::kChunks, kStep = kThreads / kChunks;
  const int chunk = thread % kChunks, first = thread / kChunks;
  const bool inside = chunk * 8 < head_size;
  const T* const mine = from + first * stride + chunk * 8;
#pragma unroll 4
  for (int step = 0; step < kMostRows; step += kStep) {
    if (step + first >= rows) break;
    const bool valid = inside && step + first < valid_rows;
    CopyAsync(tile.At(step + first, chunk), valid ? mine + step * stride : from, valid);
  }
}

// The state of 16 query rows; a lane holds rows g and g + 8 (see mma.cuh).
template <class T, int kColumns>
struct QueryRows {
  static constexpr int kDepthSteps = kColumns / 16;
  uint32_t query[kDepthSteps][4];
  float out[kColumns / 8][4];
  float most[2];  // largest score so far
  float sum[2];   // of this lane's exponentials so far

  __device__ void Load(SwizzledTile<kColumns> tile, int first_row, int lane) {
#pragma unroll
    for (int k = 0; k < kDepthSteps; ++k) {
      LoadMatrices(query[k], tile.At(first_row + (lane & 15), 2 * k + (lane >> 4)));
    }
#pragma unroll
    for (auto& column : out) column[0] = column[1] = column[2] = column[3] = 0.0f;
    most[0] = most[1] = -INFINITY;
    sum[0] = sum[1] = 0.0f;
  }

  // Folds kKeys keys in, of which `valid` >= 1 exist. scale2 = log2(e) / sqrt(D).
  template <int kKeys>
  __device__ void Fold(SwizzledTile<kColumns> keys, SwizzledTile<kColumns> values, int valid,
                       float scale2, int lane) {
    static_assert(kKeys % 16 == 0, "keys are taken 16 at a time");
    float s[kKeys / 8][4];
    Scores<kKeys>(keys, valid, lane, s);
    Exponentials<kKeys>(scale2, s);
    AddValues<kKeys>(values, valid, lane, s);
  }

  // Writes the rows over the tile's own, which no other warp reads.
  __device__ void Store(SwizzledTile<kColumns> tile, int first_row, int lane) {
    const int g = lane >> 2, t = lane & 3;
    // Sums are at least 1.
    const float scale[2] = {__fdividef(1.0f, QuadSum(sum[0])), __fdividef(1.0f, QuadSum(sum[1]))};
#pragma unroll
    for (int n = 0; n < kColumns / 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint32_t pair =
            PackPair<T>(out[n][2 * half] * scale[half], out[n][2 * half + 1] * scale[half]);
        const uint32_t to = tile.At(first_row + g + 8 * half, n) + static_cast<uint32_t>(4 * t);
        asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(pair) : "memory");
      }
    }
  }

 private:
  template <int kKeys>
  __device__ void Scores(SwizzledTile<kColumns> keys, int valid, int lane,
                         float (&s)[kKeys / 8][4]) {
#pragma unroll
    for (int j = 0; j < kKeys / 16; ++j) {
      float(&low)[4] = s[2 * j];
      float(&high)[4] = s[2 * j + 1];
#pragma unroll
      for (int i = 0; i < 4; ++i) low[i] = high[i] = 0.0f;
      if (16 * j < valid) {
#pragma unroll
        for (int k = 0; k < kDepthSteps; ++k) {
          uint32_t b[4];
          const int row = 16 * j + ((lane >> 4) << 3) + (lane & 7);
          LoadMatrices(b, keys.At(row, 2 * k + ((lane >> 3) & 1)));
          Mma<T>(low, query[k], b[0], b[1]);
          Mma<T>(high, query[k], b[2], b[3]);
        }
      }
    }
    const int t = lane & 3;
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (8 * n + 2 * t + (i & 1) >= valid) s[n][i] = -INFINITY;
      }
    }
  }

  // s becomes 2^(scale2 (s - maximum)); out and sum move to the new maximum.
  template <int kKeys>
  __device__ void Exponentials(float scale2, float (&s)[kKeys / 8][4]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float block_most = -INFINITY;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
        block_most = fmaxf(block_most, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
      }
      const float now = fmaxf(most[half], QuadMax(block_most));
      const float shrink = Exp2((most[half] - now) * scale2);  // 0 at the first block
      most[half] = now;
      float added = 0.0f;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int i = 2 * half; i < 2 * half + 2; ++i) {
          s[n][i] = Exp2((s[n][i] - now) * scale2);
          added += s[n][i];
        }
      }
      sum[half] = sum[half] * shrink + added;
#pragma unroll
      for (auto& column : out) {
        column[2 * half] *= shrink;
        column[2 * half + 1] *= shrink;
      }
    }
  }

  // The layout of the scores is that of the left operand: no shuffle, no shared memory.
  template <int kKeys>
  __device__ void AddValues(SwizzledTile<kColumns> values, int valid, int lane,
                            const float (&s)[kKeys / 8][4]) {
#pragma unroll
    for (int j = 0; j < kKeys / 16; ++j) {
      if (16 * j >= valid) break;
      const uint32_t p[4] = {PackPair<T>(s[2 * j][0], s[2 * j][1]),
                             PackPair<T>(s[2 * j][2], s[2 * j][3]),
                             PackPair<T>(s[2 * j + 1][0], s[2 * j + 1][1]),
                             PackPair<T>(s[2 * j + 1][2], s[2 * j + 1][3])};
#pragma unroll
      for (int n = 0; n < kColumns / 16; ++n) {
        uint32_t b[4];
        const int row = 16 * j + ((lane >> 3) & 1) * 8 + (lane & 7);
        LoadMatricesTransposed(b, values.At(row, 2 * n + (lane >> 4)));
        Mma<T>(out[2 * n], p, b[0], b[1]);
        Mma<T>(out[2 * n + 1], p, b[2], b[3]);
      }
    }
  }
};

// Stores rows [0, rows) of a tile to global memory, 16 bytes a lane; one warp.
template <class T, int kColumns>
__device__ inline void StoreRows(SwizzledTile<kColumns> tile, int first_row, int rows,
                                 int head_size, T* to, std::size_t stride, int lane) {
  constexpr int kChunks = SwizzledTile<kColumns>::kChunks;
  for (int i = lane; i < rows * kChunks; i += kWarp) {
    const int row = i / kChunks, chunk = i % kChunks;
    if (chunk * 8 >= head_size) continue;
    uint4 v;
    asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "r"(tile.At(first_row + row, chunk))
                 : "memory");
    *reinterpret_cast<uint4*>(to + static_cast<std::size_t>(row) * stride + chunk * 8) = v;
  }
}

}  // namespace embedserve::kernels
