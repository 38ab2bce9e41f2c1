// y = x w^T on Hopper: a block owns 8, 16 or 24 outputs and up to 64 rows of x. Bound by the chain
// of K / 16 dependent products, as in small_gemm.cu; here wgmma reads both operands from shared
// memory, and one thread asks for them: all of the block's w in one copy while the kernel before
// still runs, x as a whole or through a ring. A ring is filled by a cluster, each block a part for
// all its blocks: 96 blocks read 19 MB of x for K = 3072, and clusters of four a quarter of that.
#include <cuda.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/code_architecture.h"
#include "kernels/device/barrier.cuh"
#include "kernels/device/cluster.cuh"
#include "kernels/device/early.cuh"
#include "kernels/device/product_tile.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/launch.cuh"
#include "kernels/small_gemm_forms.cuh"

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

// x goes through shared memory in stages of some chunks of kBoxRows rows; those beyond the last row
// are zeros.
template <int kBoxRows>
struct Stage {
  static constexpr int kChunks = kBoxRows < kGroupRows ? 4 : 2;
  static constexpr int kChunkBytes = kBoxRows * kSwizzledRowBytes;
  static constexpr int kBytes = kChunks * kChunkBytes;
};

template <class T>
struct Operands {
  CUtensorMap x, w;  // (K / 64, rows, 64)
  const T* bias;
  T* y;
  int rows, outputs;
  int stages;  // that a pass takes
  int depth;   // of them in shared memory at a time
};

// A block's shared memory: the ring of stages, w, barriers. `base` is its address.
template <int kOutputTiles, int kBoxRows>
struct Layout {
  static constexpr int kOutputs = kTileOutputs * kOutputTiles;
  static constexpr int kWeightChunkBytes = kOutputs * kSwizzledRowBytes;
  static constexpr int kWeightStageBytes = Stage<kBoxRows>::kChunks * kWeightChunkBytes;
  // Rows beyond the box are multiplied too, whatever lies there: 64 are read, and no row mixes with
  // another.
  static constexpr int kBeyond = (kGroupRows - kBoxRows) * kSwizzledRowBytes;

  uint32_t base;
  int stages, depth;

  __host__ __device__ int WeightBytes() const { return stages * kWeightStageBytes; }
  __host__ __device__ int OperandBytes() const {
    const int weights = WeightBytes();
    return depth * Stage<kBoxRows>::kBytes + (weights > kBeyond ? weights : kBeyond);
  }
  __host__ __device__ int Bytes() const { return OperandBytes() + kBarrierBytes; }
  __device__ uint32_t Rows(int slot) const {
    return base + static_cast<uint32_t>(slot * Stage<kBoxRows>::kBytes);
  }
  __device__ uint32_t Weights() const { return Rows(depth); }
  __device__ uint32_t WeightsFull() const { return base + static_cast<uint32_t>(OperandBytes()); }
  __device__ uint32_t Full(int slot) const {
    return WeightsFull() + 8 + 8 * static_cast<uint32_t>(slot);
  }
  __device__ uint32_t Empty(int slot) const { return Full(slot) + 8 * kMostStages; }
};

// The stages one after another: where each lies and which phase of its barriers it is.
struct Turn {
  int slot = 0, parity = 0;

  __device__ void Next(int depth) {
    if (++slot == depth) slot = 0, parity ^= 1;
  }
};

// The thread that copies. A block of the cluster copies its part of a stage for all.
template <class T, int kOutputTiles, int kBoxRows>
__device__ __forceinline__ void CopyStages(const Operands<T>& o,
                                           const Layout<kOutputTiles, kBoxRows>& at, int blocks,
                                           int rank) {
  using Part = Stage<kBoxRows>;
  const int chunks = Part::kChunks / blocks;
  int chunk = rank * chunks;
  const auto offset = static_cast<uint32_t>(chunk * Part::kChunkBytes);
  Turn turn;
  WaitForInput();
  for (int stage = 0; stage < o.stages; ++stage) {
    if (stage >= o.depth) WaitForPhase(at.Empty(turn.slot), turn.parity ^ 1);
    ArriveExpecting(at.Full(turn.slot), Part::kBytes);
    CopyBoxToAll(at.Rows(turn.slot) + offset, o.x, 0, 0, chunk, at.Full(turn.slot), blocks);
    chunk += Part::kChunks;
    turn.Next(o.depth);
  }
  // Not before: the next kernel's weights would stand in the way of these rows.
  LetNextStart();
}

template <class T, int kOutputTiles, int kBoxRows>
__device__ __forceinline__ void Multiply(const Operands<T>& o,
                                         const Layout<kOutputTiles, kBoxRows>& at, int blocks,
                                         int lane, float (&sum)[kOutputTiles][4]) {
  using Part = Stage<kBoxRows>;
  WaitForPhase(at.WeightsFull(), 0);
  uint32_t weights = at.Weights();
  Turn turn;
  int before = 0;  // slot of the stage before
  for (int stage = 0; stage < o.stages; ++stage) {
    WaitForPhase(at.Full(turn.slot), turn.parity);
    const GroupOperand x(at.Rows(turn.slot)), w(weights);
    BeginProducts();
#pragma unroll
    for (int chunk = 0; chunk < Part::kChunks; ++chunk) {
#pragma unroll
      for (int step = 0; step < kChunk / kTileDepth; ++step) {
        constexpr int kStepBytes = 2 * kTileDepth;
        MultiplyAsync<T>(sum, x.At(chunk * Part::kChunkBytes + step * kStepBytes),
                         w.At(chunk * at.kWeightChunkBytes + step * kStepBytes));
      }
    }
    CommitProducts();
    WaitForProducts<1>();
    // The stage before is free. Nobody waits for those that no stage follows.
    if (stage > 0 && stage - 1 + o.depth < o.stages && lane < blocks) {
      ArriveAt(at.Empty(before), lane);
    }
    before = turn.slot;
    weights += at.kWeightStageBytes;
    turn.Next(o.depth);
  }
  FinishProducts(sum);
}

template <class T, SmallEpilogue kEpilogue, int kOutputTiles, int kBoxRows>
__global__ void __launch_bounds__(kThreads) SmallKernel(const __grid_constant__ Operands<T> o) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const int thread = static_cast<int>(threadIdx.x);
  // One number for all lanes, as the compiler can see: products must not stand on divergent paths.
  const int lane = thread % kWarp, warp = __shfl_sync(kFullWarp, thread / kWarp, 0);
  const Layout<kOutputTiles, kBoxRows> at{static_cast<uint32_t>(__cvta_generic_to_shared(shared)),
                                          o.stages, o.depth};
  const int first_output = static_cast<int>(blockIdx.x) * at.kOutputs;
  const int blocks = ClusterBlocks();
  const bool copies = warp == kGroupWarps && IsElected();
  if (copies) {
    PrefetchMap(o.w);
    InitBarrier(at.WeightsFull(), 1);
    for (int slot = 0; slot < o.depth; ++slot) {
      InitBarrier(at.Full(slot), 1);
      InitBarrier(at.Empty(slot), kGroupWarps * blocks);
    }
    PublishBarriers();
    ArriveExpecting(at.WeightsFull(), at.WeightBytes());
    CopyBox(at.Weights(), o.w, 0, first_output, 0, at.WeightsFull());
    PrefetchMap(o.x);
  }
  __syncwarp();
  ClusterSync();
  if (warp == kGroupWarps) {
    if (copies) CopyStages(o, at, blocks, ClusterRank());
    return;
  }
  const TileBias<T, kOutputTiles> bias(o.bias, first_output, lane);
  float sum[kOutputTiles][4] = {};
  Multiply(o, at, blocks, lane, sum);
  StoreTiles<kEpilogue == SmallEpilogue::kBiasGelu>(sum, bias, warp * kTileRows, o.rows,
                                                    first_output, o.outputs, lane, o.y);
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

template <class T, SmallEpilogue kEpilogue, int kOutputTiles, int kBoxRows>
void Launch(Stream& stream, ConstTensor x, ConstTensor w, const void* bias, Tensor y) {
  constexpr int kStageInputs = Stage<kBoxRows>::kChunks * kChunk;
  Operands<T> o{.bias = static_cast<const T*>(bias),
                .y = static_cast<T*>(y.data),
                .rows = x.rows,
                .outputs = w.rows,
                .stages = (x.columns + kStageInputs - 1) / kStageInputs};
  o.depth = std::min({o.stages, kRingBytes / Stage<kBoxRows>::kBytes, kMostStages});
  const Layout<kOutputTiles, kBoxRows> at{0, o.stages, o.depth};
  const int blocks = w.rows / at.kOutputs;
  int cluster = o.stages > o.depth ? Stage<kBoxRows>::kChunks : 1;
  while (blocks % cluster != 0) cluster /= 2;
  const auto kernel = SmallKernel<T, kEpilogue, kOutputTiles, kBoxRows>;
  // Beyond the last chunk both are zeros.
  if (!Encode(stream, x, kBoxRows, Stage<kBoxRows>::kChunks / cluster, o.x) ||
      !Encode(stream, w, at.kOutputs, o.stages * Stage<kBoxRows>::kChunks, o.w) ||
      !stream.Check(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, at.Bytes()),
          kName)) {
    return;
  }
  LaunchClustersEarly(stream, kName, kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
                      static_cast<std::size_t>(at.Bytes()), static_cast<unsigned>(cluster), o);
}

}  // namespace

bool TakesSmallGemm(const Stream& stream, DType type, int inputs) {
  constexpr int kMostBytes =
      kRingBytes + kGroupRows * kSwizzledRowBytes + kBarrierBytes + kMostSmallWeightBytes;
  if (type == DType::kFp32 || inputs % kChunk != 0 || inputs > kMostInputs ||
      kMostBytes > static_cast<int>(stream.most_shared_bytes())) {
    return false;
  }
  const auto kernel = SmallKernel<__half, SmallEpilogue::kBias, 1, 8>;
  return CodeArchitecture(reinterpret_cast<const void*>(kernel)) != 0;
}

void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, int tiles, Tensor y) {
  DispatchSmallGemm(x.type, epilogue, tiles, [&](auto tag, auto end, auto count) {
    using T = typename decltype(tag)::type;
    if (x.rows <= 8) return Launch<T, end(), count(), 8>(stream, x, w, bias, y);
    if (x.rows <= 32) return Launch<T, end(), count(), 32>(stream, x, w, bias, y);
    return Launch<T, end(), count(), 64>(stream, x, w, bias, y);
  });
}

}  // namespace embedserve::kernels::sm90
