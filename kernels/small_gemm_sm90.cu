// y = x w^T on Hopper: a block owns 8, 16 or 24 outputs and up to 64 rows of x. Bound by the chain
// of K / 16 dependent products, as in small_gemm.cu; here wgmma reads both operands from shared
// memory, and one thread asks for them: all of the block's w in one copy while the kernel before
// still runs, x through a ring, a part from each block of a cluster for all its blocks (without
// that, 96 blocks read 19 MB of x for K = 3072).
#include <cuda.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include "kernels/device/barrier.cuh"
#include "kernels/device/cluster.cuh"
#include "kernels/device/early.cuh"
#include "kernels/device/product_tile.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/small_gemm_sm90.h"

namespace embedserve::kernels::sm90 {
namespace {

constexpr const char* kName = "small product";
constexpr int kChunk = kSwizzledColumns;  // of K
constexpr int kThreads = (kGroupWarps + 1) * kWarp;
constexpr int kMostStages = 16;
constexpr int kBarrierBytes = 8 * (2 * kMostStages + 1);
constexpr int kMostInputs = 4096;
// Of x in shared memory: more does not pay, and the blocks of two products in a row should find
// room beside each other.
constexpr int kRingBytes = 80 << 10;

// How x goes through shared memory.
struct Ring {
  int rows;          // of a box: those of x, rounded up
  int stage_chunks;  // chunks of K a stage
  int stages;        // how many a pass takes
  int depth;         // how many are in shared memory

  __host__ __device__ int ChunkBytes() const { return rows * kSwizzledRowBytes; }
  __host__ __device__ int StageBytes() const { return stage_chunks * ChunkBytes(); }
  __host__ __device__ int Bytes() const { return depth * StageBytes(); }
};

template <class T>
struct Operands {
  CUtensorMap x, w;  // (K / 64, rows, 64)
  const T* bias;
  T* y;
  int rows, outputs, chunks;
  Ring ring;
};

// Where a block's operands lie in its shared memory.
template <int kOutputTiles>
struct Layout {
  static constexpr int kOutputs = kTileOutputs * kOutputTiles;
  static constexpr int kWeightChunkBytes = kOutputs * kSwizzledRowBytes;

  const Ring& ring;
  int chunks;

  // Rows beyond the ring's are multiplied too, whatever lies there: 64 are read, and no row mixes
  // with another.
  __host__ __device__ int OperandBytes() const {
    const int beyond = kGroupRows * kSwizzledRowBytes - ring.ChunkBytes();
    const int weights = chunks * kWeightChunkBytes;
    return ring.Bytes() + (weights > beyond ? weights : beyond);
  }
  __host__ __device__ int Bytes() const { return OperandBytes() + kBarrierBytes; }
  __host__ __device__ int Stage(int stage) const { return stage % ring.depth * ring.StageBytes(); }
  __host__ __device__ int Weights() const { return ring.Bytes(); }
  __host__ __device__ int Full(int stage) const {
    return OperandBytes() + 8 * (stage % ring.depth);
  }
  __host__ __device__ int Empty(int stage) const { return Full(stage) + 8 * kMostStages; }
  __host__ __device__ int WeightsFull() const { return OperandBytes() + 16 * kMostStages; }
  __host__ __device__ int Parity(int stage) const { return stage / ring.depth & 1; }
};

// The thread that copies. `base`: the address of the block's shared memory.
template <class T, int kOutputTiles>
__device__ void Copy(const Operands<T>& o, const Layout<kOutputTiles>& at, uint32_t base,
                     int blocks, int rank) {
  const Ring& ring = o.ring;
  const int part = ring.stage_chunks / blocks;  // chunks of a stage that this block copies
  WaitForInput();
  for (int stage = 0; stage < ring.stages; ++stage) {
    if (stage >= ring.depth) {
      WaitForPhase(base + static_cast<uint32_t>(at.Empty(stage)), at.Parity(stage) ^ 1);
    }
    const uint32_t full = base + static_cast<uint32_t>(at.Full(stage));
    ArriveExpecting(full, ring.StageBytes());
    const uint32_t to =
        base + static_cast<uint32_t>(at.Stage(stage) + rank * part * ring.ChunkBytes());
    const int chunk = stage * ring.stage_chunks + rank * part;
    if (blocks == 1) {
      CopyBox(to, o.x, 0, 0, chunk, full);
    } else {
      CopyBoxToAll(to, o.x, 0, 0, chunk, full, blocks);
    }
  }
}

template <int kStageChunks, class T, int kOutputTiles>
__device__ __forceinline__ void Multiply(const Operands<T>& o, const Layout<kOutputTiles>& at,
                                         uint32_t base, int blocks, int lane,
                                         float (&sum)[kOutputTiles][4]) {
  const Ring& ring = o.ring;
  WaitForPhase(base + static_cast<uint32_t>(at.WeightsFull()), 0);
  uint64_t w = OperandAt(base + static_cast<uint32_t>(at.Weights()));
  for (int stage = 0; stage < ring.stages; ++stage) {
    WaitForPhase(base + static_cast<uint32_t>(at.Full(stage)), at.Parity(stage));
    const uint64_t x = OperandAt(base + static_cast<uint32_t>(at.Stage(stage)));
    const auto x_chunk = static_cast<uint64_t>(ring.ChunkBytes() / 16);
    constexpr uint64_t kWeightChunk = Layout<kOutputTiles>::kWeightChunkBytes / 16;
    constexpr uint64_t kStep = 2 * kTileDepth / 16;
    BeginProducts();
#pragma unroll
    for (uint64_t chunk = 0; chunk < kStageChunks; ++chunk) {
#pragma unroll
      for (uint64_t step = 0; step < kChunk / kTileDepth; ++step) {
        MultiplyAsync<T>(sum, x + x_chunk * chunk + kStep * step,
                         w + kWeightChunk * chunk + kStep * step);
      }
    }
    w += kWeightChunk * kStageChunks;
    CommitProducts();
    WaitForProducts<1>();
    // The stage before is free. Nobody waits for those that no stage follows.
    if (stage > 0 && stage - 1 + ring.depth < ring.stages && lane < blocks) {
      ArriveAt(base + static_cast<uint32_t>(at.Empty(stage - 1)), lane);
    }
  }
  FinishProducts(sum);
}

template <class T, SmallEpilogue kEpilogue, int kOutputTiles, int kStageChunks>
__global__ void __launch_bounds__(kThreads) SmallKernel(const __grid_constant__ Operands<T> o) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const int thread = static_cast<int>(threadIdx.x);
  // One number for all lanes, as the compiler can see: products must not stand on divergent paths.
  const int lane = thread % kWarp, warp = __shfl_sync(kFullWarp, thread / kWarp, 0);
  const Layout<kOutputTiles> at{o.ring, o.chunks};
  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int first_output = static_cast<int>(blockIdx.x) * at.kOutputs;
  const int blocks = ClusterBlocks(), rank = ClusterRank();
  if (thread == kGroupWarps * kWarp) {
    PrefetchMap(o.w);
    PrefetchMap(o.x);
    for (int stage = 0; stage < o.ring.depth; ++stage) {
      InitBarrier(base + static_cast<uint32_t>(at.Full(stage)), 1);
      InitBarrier(base + static_cast<uint32_t>(at.Empty(stage)), kGroupWarps * blocks);
    }
    const uint32_t full = base + static_cast<uint32_t>(at.WeightsFull());
    InitBarrier(full, 1);
    PublishBarriers();
    ArriveExpecting(full, o.chunks * at.kWeightChunkBytes);
    CopyBox(base + static_cast<uint32_t>(at.Weights()), o.w, 0, first_output, 0, full);
  }
  LetNextStart();
  __syncwarp();
  ClusterSync();
  if (warp == kGroupWarps) {
    if (lane == 0) Copy(o, at, base, blocks, rank);
    return;
  }
  const TileBias<T, kOutputTiles> bias(o.bias, first_output, lane);
  float sum[kOutputTiles][4] = {};
  Multiply<kStageChunks>(o, at, base, blocks, lane, sum);
  StoreTiles<kEpilogue == SmallEpilogue::kBiasGelu>(sum, bias, warp * kTileRows, o.rows,
                                                    first_output, o.outputs, lane, o.y);
}

Ring RingFor(int rows, int inputs) {
  Ring ring{};
  ring.rows = (rows + kSwizzledRows - 1) / kSwizzledRows * kSwizzledRows;
  ring.stage_chunks = ring.rows <= kGroupRows / 2 && inputs % (4 * kChunk) == 0 ? 4 : 2;
  ring.stages = inputs / (ring.stage_chunks * kChunk);
  ring.depth = std::min({ring.stages, kRingBytes / ring.StageBytes(), kMostStages});
  return ring;
}

// A tensor of 16-bit values (rows, columns) as boxes of `box_chunks` chunks of `box_rows` rows.
bool Encode(Stream& stream, ConstTensor tensor, int box_rows, int box_chunks, CUtensorMap& map) {
  static const auto encode = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found;
    const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function,
                                                               12000, cudaEnableDefault, &found);
    return error == cudaSuccess ? reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function)
                                : nullptr;
  }();
  if (encode == nullptr) {
    stream.Fail(kName, "the driver has no cuTensorMapEncodeTiled");
    return false;
  }
  const auto n = [](int count) { return static_cast<cuuint64_t>(count); };
  const std::array sizes{n(kChunk), n(tensor.rows), n(tensor.columns / kChunk)};
  const std::array strides{n(tensor.columns) * 2, n(kSwizzledRowBytes)};
  const std::array box{static_cast<cuuint32_t>(kChunk), static_cast<cuuint32_t>(box_rows),
                       static_cast<cuuint32_t>(box_chunks)};
  const std::array<cuuint32_t, 3> steps{1, 1, 1};
  // The driver's function takes a void*, and reads it only on the device.
  if (encode(&map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 3, const_cast<void*>(tensor.data), sizes.data(),
             strides.data(), box.data(), steps.data(), CU_TENSOR_MAP_INTERLEAVE_NONE,
             CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
             CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) != CUDA_SUCCESS) {
    stream.Fail(kName, "a tensor that cannot be copied by boxes");
    return false;
  }
  return true;
}

template <class T, SmallEpilogue kEpilogue, int kOutputTiles>
void Launch(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) {
  Operands<T> o{.bias = static_cast<const T*>(bias),
                .y = static_cast<T*>(y.data),
                .rows = x.rows,
                .outputs = w.rows,
                .chunks = x.columns / kChunk,
                .ring = RingFor(x.rows, x.columns)};
  const Layout<kOutputTiles> at{o.ring, o.chunks};
  const int blocks = w.rows / at.kOutputs;
  int cluster = o.ring.stage_chunks;
  while (blocks % cluster != 0) cluster /= 2;
  const auto kernel = o.ring.stage_chunks == 4 ? SmallKernel<T, kEpilogue, kOutputTiles, 4>
                                               : SmallKernel<T, kEpilogue, kOutputTiles, 2>;
  if (!Encode(stream, x, o.ring.rows, o.ring.stage_chunks / cluster, o.x) ||
      !Encode(stream, w, at.kOutputs, o.chunks, o.w) ||
      !stream.Check(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, at.Bytes()),
          kName)) {
    return;
  }
  LaunchClustersEarly(stream, kName, kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
                      static_cast<std::size_t>(at.Bytes()), static_cast<unsigned>(cluster), o);
}

template <class T, SmallEpilogue kEpilogue>
void LaunchTiles(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, int tiles,
                 Tensor y) {
  switch (tiles) {
    case 1:
      return Launch<T, kEpilogue, 1>(stream, x, w, bias, y);
    case 2:
      return Launch<T, kEpilogue, 2>(stream, x, w, bias, y);
    default:
      return Launch<T, kEpilogue, 3>(stream, x, w, bias, y);
  }
}

}  // namespace

bool TakesSmallGemm(const Stream& stream, DType type, int inputs) {
  constexpr int kMostBytes =
      kRingBytes + kGroupRows * kSwizzledRowBytes + kBarrierBytes + kMostSmallWeightBytes;
  if (type == DType::kFp32 || inputs % (2 * kChunk) != 0 || inputs > kMostInputs ||
      kMostBytes > static_cast<int>(stream.most_shared_bytes())) {
    return false;
  }
  cudaFuncAttributes attributes;
  const bool loads =
      cudaFuncGetAttributes(&attributes, SmallKernel<__half, SmallEpilogue::kBias, 1, 4>) ==
      cudaSuccess;
  if (!loads) cudaGetLastError();  // an answer, not a failure of what comes next
  return loads;
}

void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, int tiles, Tensor y) {
  DispatchType(x.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, float>) {
      switch (epilogue) {
        case SmallEpilogue::kBias:
          return LaunchTiles<T, SmallEpilogue::kBias>(stream, x, w, bias, tiles, y);
        case SmallEpilogue::kBiasGelu:
          return LaunchTiles<T, SmallEpilogue::kBiasGelu>(stream, x, w, bias, tiles, y);
      }
    }
  });
}

}  // namespace embedserve::kernels::sm90
