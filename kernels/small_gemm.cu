// y^T = w x^T: a block owns 16 rows of w (its 16 outputs) and all rows of x; a warp owns 8 rows of
// x, or two times 8. K passes through shared memory in chunks of 128, several of them on their way.
// The first chunks of w are asked for while the kernel before still runs. Bound by latency: the
// chain of K / 16 dependent tensor-core steps (K = 3072: about 3.6 us on an H100) cannot be split
// without changing the order of the sum, and so the bits.
#include <type_traits>

#include "kernels/device/early.cuh"
#include "kernels/device/gelu.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/small_gemm.h"

namespace embedserve::kernels {
namespace {

constexpr int kOutputs = 16;  // of a block
constexpr int kChunk = 128;
// Chunks in shared memory. O and the second feed-forward product of a hidden size of 768 have 48
// blocks only: each must have much in flight. Two blocks of 100 KB share a multiprocessor.
template <int kTiles>
constexpr int kStages = kTiles == 1 ? 8 : 5;
constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr int kTileRows = 8;  // of x, one tensor-core tile
using Tile = SwizzledTile<kChunk>;

template <class T>
struct SmallOperands {
  const T* x;
  const T* w;
  const T* bias;
  T* y;
  int rows, inputs, outputs;
};

// Shared memory of one stage: kOutputs rows of w, then the rows of x.
template <int kTiles>
constexpr int kStageRows = kOutputs + kTiles* kWarps* kTileRows;

// A chunk in registers, as the tensor cores take it.
template <class T, int kTiles>
struct Fragments {
  uint32_t w[kChunk / 16][4];
  uint32_t x[kTiles][kChunk / 32][4];  // two steps of 16 each

  __device__ void Load(Tile tile, int warp, int lane, int rows) {
#pragma unroll
    for (int k = 0; k < kChunk / 16; ++k) {
      LoadMatrices(w[k], tile.At(lane & 15, 2 * k + (lane >> 4)));
    }
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
      const int row = (i * kWarps + warp) * kTileRows;
      if (row >= rows) break;
#pragma unroll
      for (int k = 0; k < kChunk / 32; ++k) {
        LoadMatrices(x[i][k], tile.At(kOutputs + row + (lane & 7), 4 * k + (lane >> 3)));
      }
    }
  }
  __device__ void Multiply(int warp, int rows, float (&sum)[kTiles][4]) const {
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
      if ((i * kWarps + warp) * kTileRows >= rows) break;
#pragma unroll
      for (int k = 0; k < kChunk / 32; ++k) {
        Mma<T>(sum[i], w[2 * k], x[i][k][0], x[i][k][1]);
        Mma<T>(sum[i], w[2 * k + 1], x[i][k][2], x[i][k][3]);
      }
    }
  }
};

// The part of a tile's 16 outputs x 8 rows that this lane holds, to y, 16 bytes a lane.
template <class T, SmallEpilogue kEpilogue>
__device__ void StoreTile(const SmallOperands<T>& o, const float (&sum)[4], int first_row,
                          int first_output, T (*scratch)[kOutputs], int lane) {
  const int g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int output = g + 8 * (i >> 1), row = 2 * t + (i & 1);
    float value = sum[i];
    if (o.bias != nullptr) value = __fadd_rn(value, ToFloat(o.bias[first_output + output]));
    if constexpr (kEpilogue == SmallEpilogue::kBiasGelu) value = GeluErfFast(value);
    scratch[row][output] = FromFloat<T>(value);
  }
  __syncwarp();
  const int row = lane >> 1, half = lane & 1;
  if (lane < 16 && first_row + row < o.rows) {
    T* const to = o.y +
                  static_cast<std::size_t>(first_row + row) * static_cast<std::size_t>(o.outputs) +
                  first_output + 8 * half;
    *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(&scratch[row][8 * half]);
  }
  __syncwarp();
}

template <class T, SmallEpilogue kEpilogue, int kTiles>
__global__ void __launch_bounds__(kThreads) SmallKernel(SmallOperands<T> o) {
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) T scratch[kWarps][kTileRows][kOutputs];
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp, warp = thread / kWarp;
  const int first_output = static_cast<int>(blockIdx.x) * kOutputs;
  const auto stride = static_cast<std::size_t>(o.inputs);
  const T* const w = o.w + static_cast<std::size_t>(first_output) * stride;
  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int loaded_rows = (o.rows + kTileRows - 1) / kTileRows * kTileRows;

  constexpr int kDepth = kStages<kTiles>;
  const auto stage = [base](int chunk) {
    return Tile{base +
                static_cast<uint32_t>(chunk % kDepth * kStageRows<kTiles> * Tile::kRowBytes)};
  };
  const auto load_w = [&](int chunk) {
    for (int i = thread; i < kOutputs * Tile::kChunks; i += kThreads) {
      const int row = i / Tile::kChunks, column = i % Tile::kChunks;
      CopyAsync(stage(chunk).At(row, column),
                w + static_cast<std::size_t>(row) * stride + chunk * kChunk + column * 8, true);
    }
  };
  const auto load_x = [&](int chunk) {
    for (int i = thread; i < loaded_rows * Tile::kChunks; i += kThreads) {
      const int row = i / Tile::kChunks, column = i % Tile::kChunks;
      const bool valid = row < o.rows;
      CopyAsync(
          stage(chunk).At(kOutputs + row, column),
          o.x + static_cast<std::size_t>(valid ? row : 0) * stride + chunk * kChunk + column * 8,
          valid);
    }
  };

  float sum[kTiles][4] = {};
  const int chunks = o.inputs / kChunk;
  for (int chunk = 0; chunk < min(kDepth - 1, chunks); ++chunk) load_w(chunk);
  LetNextStart();
  WaitForInput();
#pragma unroll
  for (int chunk = 0; chunk < kDepth - 1; ++chunk) {
    if (chunk < chunks) load_x(chunk);
    CommitCopies();
  }
  const auto load = [&](int chunk) {
    if (chunk < chunks) {
      load_w(chunk);
      load_x(chunk);
    }
    CommitCopies();
  };
  // While a chunk is multiplied the fragments of the next come from shared memory: the chain of
  // dependent products never waits for a load.
  WaitForCopies<kDepth - 2>();
  __syncthreads();
  Fragments<T, kTiles> even, odd;
  even.Load(stage(0), warp, lane, o.rows);
  load(kDepth - 1);
  const auto step = [&](int chunk, Fragments<T, kTiles>& now, Fragments<T, kTiles>& next) {
    if (chunk + 1 < chunks) {
      WaitForCopies<kDepth - 2>();
      __syncthreads();  // the next chunk is there for all, and this one is in everyone's registers
      next.Load(stage(chunk + 1), warp, lane, o.rows);
      load(chunk + kDepth);
    }
    now.Multiply(warp, o.rows, sum);
  };
  for (int chunk = 0; chunk < chunks; chunk += 2) {
    step(chunk, even, odd);
    if (chunk + 1 < chunks) step(chunk + 1, odd, even);
  }
#pragma unroll
  for (int i = 0; i < kTiles; ++i) {
    const int row = (i * kWarps + warp) * kTileRows;
    if (row < o.rows) {
      StoreTile<T, kEpilogue>(o, sum[i], row, first_output, scratch[warp], lane);
    }
  }
}

template <class T, SmallEpilogue kEpilogue, int kTiles>
void Launch(Stream& stream, const SmallOperands<T>& o) {
  constexpr int kShared = kStages<kTiles> * kStageRows<kTiles> * Tile::kRowBytes;
  const auto kernel = SmallKernel<T, kEpilogue, kTiles>;
  if (!stream.Check(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared),
          "small product")) {
    return;
  }
  LaunchEarly(stream, "small product", kernel, dim3(static_cast<unsigned>(o.outputs / kOutputs)),
              dim3(kThreads), kShared, o);
}

}  // namespace

bool HasSmallGemm(DType type, int inputs, int outputs) {
  return type != DType::kFp32 && inputs > 0 && inputs % kChunk == 0 && outputs % kOutputs == 0;
}

void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, Tensor y) {
  if (!stream.ok() || x.rows == 0) return;
  if (!HasSmallGemm(x.type, w.columns, w.rows) || x.rows > kMostSmallRows) {
    return stream.Fail("small product", "a shape that it does not take");
  }
  DispatchType(x.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, float>) {
      const SmallOperands<T> o{static_cast<const T*>(x.data),
                               static_cast<const T*>(w.data),
                               static_cast<const T*>(bias),
                               static_cast<T*>(y.data),
                               x.rows,
                               w.columns,
                               w.rows};
      const bool one_tile = x.rows <= kWarps * kTileRows;
      switch (epilogue) {
        case SmallEpilogue::kBias:
          return one_tile ? Launch<T, SmallEpilogue::kBias, 1>(stream, o)
                          : Launch<T, SmallEpilogue::kBias, 2>(stream, o);
        case SmallEpilogue::kBiasGelu:
          return one_tile ? Launch<T, SmallEpilogue::kBiasGelu, 1>(stream, o)
                          : Launch<T, SmallEpilogue::kBiasGelu, 2>(stream, o);
      }
    }
  });
}

}  // namespace embedserve::kernels
