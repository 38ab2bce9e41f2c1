// A warp a token: two table rows of H values (gathered, 16-byte loads), sum, LayerNorm in
// registers, one row written. Bytes moved: 2 reads + 1 write of (M, H), the reads partly from L2.
#include "kernels/device/early.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/embedding.h"
#include "kernels/launch.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kWarpsPerBlock = 4;
constexpr int kThreads = kWarpsPerBlock * kWarp;

template <class T, int kPackets>
__global__ void __launch_bounds__(kThreads)
    EmbedKernel(const T* words, const T* positions, LayerNormParameters norm, const int32_t* ids,
                const int32_t* position_rows, int rows, int columns, T* out) {
  LetNextStart();
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
    sum.LayerNorm(norm.gamma, norm.beta, norm.eps, columns);
    sum.Store(to, columns);
  }
}

}  // namespace

void Embed(Stream& stream, const EmbeddingTables& tables, const int32_t* ids,
           const int32_t* position_rows, Tensor out) {
  if (!stream.ok() || out.rows == 0) return;
  DispatchRow(out.columns, [&](auto packets) {
    DispatchType(out.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const unsigned blocks = Blocks(out.rows, kWarpsPerBlock);
      EmbedKernel<T, packets()><<<blocks, dim3(kWarp, kWarpsPerBlock), 0, stream.get()>>>(
          static_cast<const T*>(tables.words.data), static_cast<const T*>(tables.positions.data),
          tables.norm, ids, position_rows, out.rows, out.columns, static_cast<T*>(out.data));
      stream.CheckLaunch("embedding");
    });
  });
}

}  // namespace embedserve::kernels
