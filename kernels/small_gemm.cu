// y = x w^T: a block owns 8, 16 or 24 outputs and all rows of x; a warp owns 16 rows. Bound by
// latency: the chain of K / 16 dependent tensor-core steps (K = 3072: about 3.6 us on an H100)
// cannot be split without changing the order of the sum, and so the bits. So nothing else may hold
// the chain up: four warps copy while the others compute, all of the block's w is asked for while
// the kernel before still runs, x comes through a ring, and fragments are loaded half a chunk
// ahead. Two copying warps or a ring of six cost 5 %; bulk copies of a row's chunk, shared in a
// cluster of four blocks, took 17 us for K = 3072 where this takes 9 (H100, 27 rows).
#include <algorithm>

#include "kernels/device/barrier.cuh"
#include "kernels/device/early.cuh"
#include "kernels/device/product_tile.cuh"
#include "kernels/launch.cuh"
#include "kernels/small_gemm.h"
#include "kernels/small_gemm_forms.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kChunk = 128;  // of K, one step of the ring
constexpr int kCopyWarps = 4;
constexpr int kMostOutputTiles = 3;

template <int kRowTiles>
constexpr int kStages = kRowTiles <= 2 ? 8 : 4;
// Chunks that a copying thread has under way before it announces one: the ring less what the
// computing warps hold.
template <int kRowTiles>
constexpr int kAhead = kStages<kRowTiles> * 5 / 8;
template <int kRowTiles>
constexpr int kThreads = (kRowTiles + kCopyWarps) * kWarp;

template <class T>
struct SmallOperands {
  const T* x;
  const T* w;
  const T* bias;
  T* y;
  int rows, inputs, outputs;
};

// A block's shared memory and what its warps do with it.
template <class T, int kOutputTiles, int kRowTiles>
struct Block {
  static constexpr int kOutputs = kTileOutputs * kOutputTiles;
  static constexpr int kDepth = kStages<kRowTiles>;
  static constexpr int kStage = kTileRows * kRowTiles * PaddedRows::Stride(kChunk);
  static constexpr int kBarriers = 2 * kDepth + 1;
  static constexpr int kHalf16 = Fragments<T, kOutputTiles>::kColumns16;
  static_assert(2 * Fragments<T, kOutputTiles>::kColumns == kChunk, "fragments hold half a chunk");

  const SmallOperands<T>& o;
  uint32_t weights, ring, barriers;  // shared-memory addresses
  int chunks;

  static __host__ __device__ constexpr int WeightBytes(int inputs) {
    return kOutputs * PaddedRows::Stride(inputs);
  }
  static __host__ __device__ constexpr int SharedBytes(int inputs) {
    return WeightBytes(inputs) + kDepth * kStage;
  }

  __device__ PaddedRows Weights() const { return {weights, PaddedRows::Stride(o.inputs)}; }
  __device__ PaddedRows Rows(int chunk) const {
    return {ring + static_cast<uint32_t>(chunk % kDepth * kStage), PaddedRows::Stride(kChunk)};
  }
  __device__ uint32_t Barrier(int index) const {
    return barriers + 8 * static_cast<uint32_t>(index);
  }
  __device__ uint32_t Full(int chunk) const { return Barrier(chunk % kDepth); }
  __device__ uint32_t Empty(int chunk) const { return Barrier(kDepth + chunk % kDepth); }
  __device__ uint32_t WeightsFull() const { return Barrier(2 * kDepth); }
  __device__ int Parity(int chunk) const { return chunk / kDepth & 1; }
  __device__ const T* Weight(int output) const {
    return o.w + static_cast<std::size_t>(output) * static_cast<std::size_t>(o.inputs);
  }
  __device__ const T* Row(int row, int chunk) const {
    return o.x + static_cast<std::size_t>(row) * static_cast<std::size_t>(o.inputs) +
           chunk * kChunk;
  }

  __device__ void Init(int thread, int computing_warps) const {
    if (thread == 0) {
      for (int i = 0; i < kDepth; ++i) {
        InitBarrier(Full(i), kCopyWarps * kWarp);
        InitBarrier(Empty(i), computing_warps * kWarp);
      }
      InitBarrier(WeightsFull(), kCopyWarps * kWarp);
    }
    __syncthreads();
  }
  // Every thread's first group of copies.
  __device__ void CopyWeights(int thread, int first_output) const {
    const int pieces = o.inputs / 8;
    for (int row = 0; row < kOutputs; ++row) {
      for (int i = thread; i < pieces; i += kCopyWarps * kWarp) {
        CopyAsync(Weights().At(row, i), Weight(first_output + row) + 8 * i, true);
      }
    }
    CommitCopies();
  }
  // A group a chunk, announced kLag chunks later; past the end groups are empty.
  __device__ void CopyRows(int thread) const {
    constexpr int kPieces = kChunk / 8, kLag = kAhead<kRowTiles>;
    for (int chunk = 0; chunk < chunks + kLag; ++chunk) {
      if (chunk < chunks) {
        if (chunk >= kDepth) WaitForPhase(Empty(chunk), Parity(chunk) ^ 1);
        for (int i = thread; i < o.rows * kPieces; i += kCopyWarps * kWarp) {
          CopyAsync(Rows(chunk).At(i / kPieces, i % kPieces),
                    Row(i / kPieces, chunk) + i % kPieces * 8, true);
        }
      }
      CommitCopies();
      if (chunk < kLag) continue;
      WaitForCopies<kLag>();
      if (chunk == kLag) Arrive(WeightsFull());
      Arrive(Full(chunk - kLag));
    }
  }

  __device__ void Load(Fragments<T, kOutputTiles>& to, int half, int first_row, int lane) const {
    const int chunk = half / 2;
    if (half % 2 == 0) WaitForPhase(Full(chunk), Parity(chunk));
    to.Load(Rows(chunk), first_row, half % 2 * kHalf16, Weights(), 0, half * kHalf16, lane);
    // Every lane: racecheck does not follow an arrival of one lane after a __syncwarp().
    if (half % 2 == 1) Arrive(Empty(chunk));
  }

  __device__ void Multiply(float (&sum)[kOutputTiles][4], int first_row, int lane) const {
    Fragments<T, kOutputTiles> even, odd;
    WaitForPhase(WeightsFull(), 0);
    Load(even, 0, first_row, lane);
    for (int half = 0; half < 2 * chunks; half += 2) {
      Load(odd, half + 1, first_row, lane);
      even.Multiply(sum);
      if (half + 2 < 2 * chunks) Load(even, half + 2, first_row, lane);
      odd.Multiply(sum);
    }
  }
};

template <class T, SmallEpilogue kEpilogue, int kOutputTiles, int kRowTiles>
__global__ void __launch_bounds__(kThreads<kRowTiles>) SmallKernel(SmallOperands<T> o) {
  using Work = Block<T, kOutputTiles, kRowTiles>;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(8) unsigned char barriers[8 * Work::kBarriers];
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp, warp = thread / kWarp;
  const int first_output = static_cast<int>(blockIdx.x) * Work::kOutputs;
  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const Work work{o, base, base + static_cast<uint32_t>(Work::WeightBytes(o.inputs)),
                  static_cast<uint32_t>(__cvta_generic_to_shared(barriers)), o.inputs / kChunk};
  work.Init(thread, (o.rows + kTileRows - 1) / kTileRows);
  if (warp >= kRowTiles) {
    const int copier = thread - kRowTiles * kWarp;
    work.CopyWeights(copier, first_output);
    LetNextStart();
    WaitForInput();
    return work.CopyRows(copier);
  }
  LetNextStart();
  const int first_row = warp * kTileRows;
  if (first_row >= o.rows) return;
  const TileBias<T, kOutputTiles> bias(o.bias, first_output, lane);
  float sum[kOutputTiles][4] = {};
  work.Multiply(sum, first_row, lane);
  StoreTiles<kEpilogue == SmallEpilogue::kBiasGelu>(sum, bias, first_row, o.rows, first_output,
                                                    o.outputs, lane, o.y);
}

template <class T, SmallEpilogue kEpilogue, int kOutputTiles, int kRowTiles>
void Launch(Stream& stream, const SmallOperands<T>& o) {
  using Work = Block<T, kOutputTiles, kRowTiles>;
  const int shared = Work::SharedBytes(o.inputs), blocks = o.outputs / Work::kOutputs;
  const auto kernel = SmallKernel<T, kEpilogue, kOutputTiles, kRowTiles>;
  if (!stream.Check(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared),
          "small product")) {
    return;
  }
  LaunchEarly(stream, "small product", kernel, dim3(static_cast<unsigned>(blocks)),
              dim3(kThreads<kRowTiles>), static_cast<std::size_t>(shared), o);
}

bool Fits(const Stream& stream, int tiles, int inputs) {
  using Low = Block<__half, 1, 2>;
  using High = Block<__half, 1, 4>;
  constexpr int kRing = std::max(Low::kDepth * Low::kStage, High::kDepth * High::kStage);
  constexpr int kBarrierBytes = 8 * Low::kBarriers;
  const auto weights = static_cast<std::size_t>(tiles * Low::WeightBytes(inputs));
  return static_cast<std::size_t>(tiles * kTileOutputs * inputs) * 2 <= kMostSmallWeightBytes &&
         weights + kRing + kBarrierBytes <= stream.most_shared_bytes();
}

// Tiles of outputs a block: each block reads all of x, so as few blocks as keep every
// multiprocessor busy. The bits do not depend on it.
int OutputTiles(const Stream& stream, int inputs, int outputs) {
  const auto fits = [&](int tiles) {
    return outputs % (tiles * kTileOutputs) == 0 && Fits(stream, tiles, inputs);
  };
  int best = 1;
  for (int tiles = 2; tiles <= kMostOutputTiles; ++tiles) {
    if (fits(tiles) && outputs / (best * kTileOutputs) > stream.multiprocessors()) best = tiles;
  }
  return best;
}

}  // namespace

bool HasSmallGemm(const Stream& stream, DType type, int inputs, int outputs) {
  return type != DType::kFp32 && inputs > 0 && inputs % kChunk == 0 &&
         outputs % kTileOutputs == 0 && Fits(stream, 1, inputs);
}

void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, Tensor y) {
  if (!stream.ok() || x.rows == 0) return;
  if (!HasSmallGemm(stream, x.type, w.columns, w.rows) || x.rows > kMostSmallRows) {
    return stream.Fail("small product", "a shape that it does not take");
  }
  const int tiles = OutputTiles(stream, w.columns, w.rows);
  if (sm90::TakesSmallGemm(stream, x.type, w.columns)) {
    return sm90::SmallGemm(stream, x, w, bias, epilogue, tiles, y);
  }
  DispatchSmallGemm(x.type, epilogue, tiles, [&](auto tag, auto end, auto count) {
    using T = typename decltype(tag)::type;
    const SmallOperands<T> o{static_cast<const T*>(x.data),
                             static_cast<const T*>(w.data),
                             static_cast<const T*>(bias),
                             static_cast<T*>(y.data),
                             x.rows,
                             w.columns,
                             w.rows};
    if (o.rows <= 2 * kTileRows) return Launch<T, end(), count(), 2>(stream, o);
    return Launch<T, end(), count(), 4>(stream, o);
  });
}

}  // namespace embedserve::kernels
