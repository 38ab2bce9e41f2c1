#include <algorithm>

#include "bench/row_variants.h"
#include "kernels/device/early.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"

namespace embedserve {
namespace {

using namespace kernels;  // NOLINT: this file is more of that folder

using T = __half;
constexpr int kPackets = 3, kColumns = kPackets * kWarp * kPacket;
constexpr int kWarpsPerBlock = 4, kThreads = kWarpsPerBlock * kWarp;
constexpr dim3 kBlock(kWarp, kWarpsPerBlock);

// The two rows whose sum is normalised.
struct AddSource {
  const T* x;
  const T* residual;
  __device__ void Begin(int, int, int) {}
  __device__ const T* first(int row, int) const {
    return x + static_cast<std::size_t>(row) * kColumns;
  }
  __device__ const T* second(int row, int) const {
    return residual + static_cast<std::size_t>(row) * kColumns;
  }
};
// Lane l has the ids of the warp's rows l, l + 32, ...
struct TableSource {
  const T* words;
  const T* positions;
  const int32_t* ids;
  const int32_t* position_rows;
  int id, position_row;
  __device__ void Begin(int row, int step, int rows) {
    const int mine = row + static_cast<int>(threadIdx.x) * step;
    id = mine < rows ? ids[mine] : 0;
    position_row = mine < rows ? position_rows[mine] : 0;
  }
  __device__ const T* first(int, int i) const {
    return words + static_cast<std::size_t>(__shfl_sync(kFullWarp, id, i % kWarp)) * kColumns;
  }
  __device__ const T* second(int, int i) const {
    return positions +
           static_cast<std::size_t>(__shfl_sync(kFullWarp, position_row, i % kWarp)) * kColumns;
  }
};

// What all rows share, held in registers.
struct Vectors {
  float bias[kPackets][kPacket], gamma[kPackets][kPacket], beta[kPackets][kPacket];
  __device__ void Begin(const float* b, const LayerNormParameters& norm) {
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      const int column = (p * kWarp + static_cast<int>(threadIdx.x)) * kPacket;
      if (b != nullptr) {
        LoadPacket(b + column, bias[p]);
      } else {
#pragma unroll
        for (float& v : bias[p]) v = 0;
      }
      LoadPacket(norm.gamma + column, gamma[p]);
      LoadPacket(norm.beta + column, beta[p]);
    }
  }
};

__device__ void Finish(const uint4 (&a)[kPackets], const uint4 (&b)[kPackets],
                       const Vectors& vectors, float eps, T* out) {
  float v[kPackets][kPacket];
  float sum = 0;
#pragma unroll
  for (int p = 0; p < kPackets; ++p) {
    float more[kPacket];
    Unpack<T>(a[p], v[p]);
    Unpack<T>(b[p], more);
#pragma unroll
    for (int i = 0; i < kPacket; ++i)
      v[p][i] = v[p][i] + more[i] + vectors.bias[p][i], sum += v[p][i];
  }
  const float mean = WarpSum(sum) / kColumns;
  float squares = 0;
#pragma unroll
  for (int p = 0; p < kPackets; ++p) {
#pragma unroll
    for (int i = 0; i < kPacket; ++i) v[p][i] -= mean, squares += v[p][i] * v[p][i];
  }
  const float scale = 1.0f / sqrtf(WarpSum(squares) / kColumns + eps);
#pragma unroll
  for (int p = 0; p < kPackets; ++p) {
#pragma unroll
    for (int i = 0; i < kPacket; ++i) {
      v[p][i] = v[p][i] * scale * vectors.gamma[p][i] + vectors.beta[p][i];
    }
    StorePacket(out + (p * kWarp + static_cast<int>(threadIdx.x)) * kPacket, v[p]);
  }
}

// Rows wait in shared memory that each lane fills and empties for itself: bytes in flight cost no
// registers.
template <class Source, int kStages, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
    RingKernel(Source source, const float* bias, LayerNormParameters norm, int rows, T* out) {
  __shared__ uint4 ring[kStages][kWarpsPerBlock][2 * kPackets][kWarp];
  LetNextStart();
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  Vectors vectors;
  vectors.Begin(bias, norm);
  const int step = static_cast<int>(gridDim.x) * kWarpsPerBlock;
  const int begin = static_cast<int>(blockIdx.x) * kWarpsPerBlock + warp;
  source.Begin(begin, step, rows);
  WaitForInput();
  const auto place = [&](int i, int packet) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(&ring[i % kStages][warp][packet][lane]));
  };
  const auto fetch = [&](int i) {
    const int row = begin + i * step;
    if (row < rows) {
      const T* const a = source.first(row, i);
      const T* const b = source.second(row, i);
#pragma unroll
      for (int p = 0; p < kPackets; ++p) {
        const int column = (p * kWarp + lane) * kPacket;
        CopyAsync(place(i, p), a + column, true);
        CopyAsync(place(i, kPackets + p), b + column, true);
      }
    }
    CommitCopies();
  };
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) fetch(i);
  for (int i = 0; begin + i * step < rows; ++i) {
    fetch(i + kStages - 1);
    WaitForCopies<kStages - 1>();
    uint4 a[kPackets], b[kPackets];
#pragma unroll
    for (int p = 0; p < kPackets; ++p) {
      a[p] = ring[i % kStages][warp][p][lane];
      b[p] = ring[i % kStages][warp][kPackets + p][lane];
    }
    Finish(a, b, vectors, norm.eps, out + static_cast<std::size_t>(begin + i * step) * kColumns);
  }
}

// Two loads, one store, nothing else: what this mix of reads and writes can reach at this size.
__global__ void __launch_bounds__(256)
    CeilingKernel(const uint4* x, const uint4* r, std::size_t size, uint4* out) {
  LetNextStart();
  WaitForInput();
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * 256 + threadIdx.x;
  if (i >= size) return;
  const uint4 a = x[i], b = r[i];
  out[i] = {a.x ^ b.x, a.y ^ b.y, a.z ^ b.z, a.w ^ b.w};
}

unsigned Grid(Stream& stream, int rows, int blocks) {
  return std::min(Blocks(rows, kWarpsPerBlock),
                  static_cast<unsigned>(stream.multiprocessors() * blocks));
}

template <auto kKernel, int kBlocks>
void RunNorm(Stream& stream, ConstTensor x, const float* bias, ConstTensor residual,
             const LayerNormParameters& norm, Tensor out) {
  const AddSource source{static_cast<const T*>(x.data), static_cast<const T*>(residual.data)};
  LaunchEarly(stream, "variant", kKernel, dim3(Grid(stream, x.rows, kBlocks)), kBlock, 0, source,
              bias, norm, x.rows, static_cast<T*>(out.data));
}
void RunCeiling(Stream& stream, ConstTensor x, const float*, ConstTensor residual,
                const LayerNormParameters&, Tensor out) {
  const std::size_t size = x.size() / kPacket;
  LaunchEarly(stream, "variant", CeilingKernel, dim3(Blocks(size, 256)), dim3(256), 0,
              static_cast<const uint4*>(x.data), static_cast<const uint4*>(residual.data), size,
              static_cast<uint4*>(out.data));
}
template <auto kKernel, int kBlocks>
void RunEmbed(Stream& stream, const EmbeddingTables& tables, const int32_t* ids,
              const int32_t* position_rows, Tensor out) {
  const TableSource source{static_cast<const T*>(tables.words.data),
                           static_cast<const T*>(tables.positions.data),
                           ids,
                           position_rows,
                           0,
                           0};
  LaunchEarly(stream, "variant", kKernel, dim3(Grid(stream, out.rows, kBlocks)), kBlock, 0, source,
              static_cast<const float*>(nullptr), tables.norm, out.rows, static_cast<T*>(out.data));
}

// Mean pooling: a block owns 256 columns of a sequence, kStripes warps its rows, each kBatch rows
// at once.
template <int kStripes, int kBatch>
__global__ void __launch_bounds__(kStripes* kWarp)
    PoolKernel(const T* x, Sequences sequences, int columns, float* out) {
  __shared__ float shared[kStripes][kPacket][kWarp];
  LetNextStart();
  WaitForInput();
  const int lane = static_cast<int>(threadIdx.x), stripe = static_cast<int>(threadIdx.y);
  const int column = (static_cast<int>(blockIdx.y) * kWarp + lane) * kPacket;
  const int b = static_cast<int>(blockIdx.x);
  const int begin = sequences.offsets[b] + sequences.starts[b], end = sequences.offsets[b + 1];
  const bool inside = column < columns;
  float value[kPacket] = {};
  if (inside) {
    for (int first = begin + stripe; first < end; first += kStripes * kBatch) {
      uint4 packets[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int t = first + i * kStripes;
        packets[i] = {0, 0, 0, 0};
        if (t < end)
          packets[i] = *reinterpret_cast<const uint4*>(
              x + static_cast<std::size_t>(t) * static_cast<std::size_t>(columns) + column);
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        if (first + i * kStripes >= end) break;
        float row[kPacket];
        Unpack<T>(packets[i], row);
#pragma unroll
        for (int c = 0; c < kPacket; ++c) value[c] += row[c];
      }
    }
  }
#pragma unroll
  for (int c = 0; c < kPacket; ++c) shared[stripe][c][lane] = value[c];
  __syncthreads();
  if (stripe != 0 || !inside) return;
  for (int s = 1; s < kStripes; ++s) {
#pragma unroll
    for (int c = 0; c < kPacket; ++c) value[c] += shared[s][c][lane];
  }
  const auto n = static_cast<float>(end - begin);
#pragma unroll
  for (float& v : value) v /= n;
  StorePacket(out + static_cast<std::size_t>(b) * static_cast<std::size_t>(columns) + column,
              value);
}

template <int kStripes, int kBatch>
void RunPool(Stream& stream, ConstTensor x, const Sequences& sequences, Tensor out) {
  LaunchEarly(stream, "variant", PoolKernel<kStripes, kBatch>,
              dim3(static_cast<unsigned>(sequences.count), Blocks(x.columns, 256)),
              dim3(kWarp, kStripes), 0, static_cast<const T*>(x.data), sequences, x.columns,
              static_cast<float*>(out.data));
}

}  // namespace

std::span<const NormVariant> NormVariants() {
  static constexpr NormVariant kVariants[] = {
      {"two reads, one write, nothing else", RunCeiling},
      {"norm: ring of 4, vectors held, 4 blocks", RunNorm<RingKernel<AddSource, 4, 4>, 4>},
  };
  return kVariants;
}

std::span<const EmbedVariant> EmbedVariants() {
  static constexpr EmbedVariant kVariants[] = {
      {"embedding: ring of 3, vectors held, 4 blocks", RunEmbed<RingKernel<TableSource, 3, 4>, 4>},
  };
  return kVariants;
}

std::span<const PoolVariant> PoolVariants() {
  static constexpr PoolVariant kVariants[] = {
      {"pooling: 4 stripes, 8 rows at once", RunPool<4, 8>},
  };
  return kVariants;
}

}  // namespace embedserve
