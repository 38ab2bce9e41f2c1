// A warp a token: two table rows of H values (gathered, 16-byte accesses), sum, LayerNorm in
// registers, one row written. Bytes moved: 2 reads + 1 write of (M, H), the reads of positions and
// of frequent words from L2. Rows that a ring of them holds take that (row_ring.cuh).
#include "kernels/device/early.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/embedding.h"
#include "kernels/launch.cuh"
#include "kernels/row_ring.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kWarpsPerBlock = 4;
constexpr int kThreads = kWarpsPerBlock * kWarp;

template <class T, int kPackets>
__global__ void __launch_bounds__(kThreads)
    EmbedKernel(const T* words, const T* positions, LayerNormParameters norm, const int32_t* ids,
                const int32_t* position_rows, int rows, int columns, T* out) {
  LetNextStart();
  WaitForInput();
  const int row = static_cast<int>(blockIdx.x) * kWarpsPerBlock + static_cast<int>(threadIdx.y);
  if (row >= rows) return;
  const auto width = static_cast<std::size_t>(columns);
  const T* const word = words + static_cast<std::size_t>(ids[row]) * width;
  const T* const position = positions + static_cast<std::size_t>(position_rows[row]) * width;
  T* const to = out + static_cast<std::size_t>(row) * width;
  if constexpr (kPackets == 0) {
    const auto value = [=](int c) { return ToFloat(word[c]) + ToFloat(position[c]); };
    LayerNormAnyWidth(value, norm.gamma, norm.beta, norm.eps, columns, to);
  } else {
    WarpRow<kPackets> sum;
    sum.Load(word, columns);
    sum.Add(position, columns);
    sum.Standardize(norm.eps, columns);
    sum.Scale(norm.gamma, norm.beta, columns);
    sum.Store(to, columns);
  }
}

// Lane l knows the table rows of the warp's l-th token.
template <class T>
struct TableRows {
  const T* words;
  const T* positions;
  const int32_t* ids;
  const int32_t* position_rows;
  int tokens;
  int columns;
  int32_t id = 0, position_row = 0;
  __device__ void Prepare(int begin, int step) {
    const int mine = begin + static_cast<int>(threadIdx.x) * step;
    if (mine >= tokens) return;
    id = ids[mine];
    position_row = position_rows[mine];
  }
  __device__ RowPair<T> Rows(int, int i) const {
    static_assert(kRingRounds <= kWarp);
    const auto at = [this, i](int32_t table_row) {
      return static_cast<std::size_t>(__shfl_sync(kFullWarp, table_row, i)) *
             static_cast<std::size_t>(columns);
    };
    return {words + at(id), positions + at(position_row)};
  }
};

template <class T, int kPackets>
__global__ void __launch_bounds__(kRingThreads, kRingBlocks<kPackets>)
    EmbedRingKernel(const T* words, const T* positions, LayerNormParameters norm,
                    const int32_t* ids, const int32_t* position_rows, int rows, int columns,
                    T* out) {
  LetNextStart();
  NormalizeSums<T, kPackets>(TableRows<T>{words, positions, ids, position_rows, rows, columns},
                             nullptr, norm, rows, columns, out);
}

}  // namespace

void Embed(Stream& stream, const EmbeddingTables& tables, const int32_t* ids,
           const int32_t* position_rows, Tensor out) {
  if (!stream.ok() || out.rows == 0) return;
  DispatchRow(out.columns, [&](auto packets) {
    DispatchType(out.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto launch = [&](auto kernel, unsigned blocks, dim3 block) {
        LaunchEarly(stream, "embedding", kernel, dim3(blocks), block, 0,
                    static_cast<const T*>(tables.words.data),
                    static_cast<const T*>(tables.positions.data), tables.norm, ids, position_rows,
                    out.rows, out.columns, static_cast<T*>(out.data));
      };
      if constexpr (TakesRing<T, packets()>()) {
        launch(EmbedRingKernel<T, packets()>,
               RingGrid<packets()>(out.rows, stream.multiprocessors()), dim3(kWarp, kRingWarps));
      } else {
        launch(EmbedKernel<T, packets()>, Blocks(out.rows, kWarpsPerBlock),
               dim3(kWarp, kWarpsPerBlock));
      }
    });
  });
}

}  // namespace embedserve::kernels
