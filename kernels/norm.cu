// out = LayerNorm(x + bias + residual). A warp owns a row: H / 256 packets of 8 values a lane stay
// in registers between the two passes. Bytes moved: two reads and one write of (M, H); bound by
// device memory. Rows that a ring of them holds take that (row_ring.cuh); the others go one
// to a warp.
#include "kernels/device/early.cuh"
#include "kernels/device/lane_sum.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/norm.h"
#include "kernels/row_ring.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kWarpsPerBlock = 4;
constexpr int kThreads = kWarpsPerBlock * kWarp;

template <class T>
struct SummedRows {
  const T* x;
  const T* residual;  // may be null
  std::size_t width;
  __device__ RowPair<T> Rows(int row, int) const {
    const std::size_t first = static_cast<std::size_t>(row) * width;
    return {x + first, residual == nullptr ? nullptr : residual + first};
  }
};

template <class T, int kPackets>
__global__ void __launch_bounds__(kRingThreads, kRingBlocks<kPackets>)
    AddNormRingKernel(const T* x, const float* bias, const T* residual, LayerNormParameters norm,
                      int rows, int columns, T* out) {
  LetNextStart();
  NormalizeSums<T, kPackets>(SummedRows<T>{x, residual, static_cast<std::size_t>(columns)}, bias,
                             norm, rows, columns, out);
}

template <class T, int kPackets>
__global__ void __launch_bounds__(kThreads)
    AddNormKernel(const T* x, const float* bias, const T* residual, LayerNormParameters norm,
                  int rows, int columns, T* out) {
  LetNextStart();
  const int thread = static_cast<int>(threadIdx.y * kWarp + threadIdx.x);
  if (bias != nullptr) PrefetchVector(bias, columns, thread, kThreads);
  PrefetchVector(norm.gamma, columns, thread, kThreads);
  PrefetchVector(norm.beta, columns, thread, kThreads);
  WaitForInput();
  const int row = static_cast<int>(blockIdx.x) * kWarpsPerBlock + static_cast<int>(threadIdx.y);
  if (row >= rows) return;
  const std::size_t first = static_cast<std::size_t>(row) * static_cast<std::size_t>(columns);
  if constexpr (kPackets == 0) {
    const auto value = [=](int c) {
      return ToFloat(x[first + c]) + (residual == nullptr ? 0.0f : ToFloat(residual[first + c])) +
             (bias == nullptr ? 0.0f : bias[c]);
    };
    LayerNormAnyWidth(value, norm.gamma, norm.beta, norm.eps, columns, out + first);
  } else {
    WarpRow<kPackets> sum;
    sum.Load(x + first, columns);
    if (residual != nullptr) sum.Add(residual + first, columns);
    if (bias != nullptr) sum.Add(bias, columns);
    sum.Standardize(norm.eps, columns);
    sum.Scale(norm.gamma, norm.beta, columns);
    sum.Store(out + first, columns);
  }
}

// Half a warp a row. Halves beyond the last row have no columns: shuffles need the whole warp.
constexpr int kRowsPerBlock = kThreads / kSumLanes;

__global__ void __launch_bounds__(kThreads)
    NormalizeRowsKernel(const float* x, float eps, int rows, int columns, float* out) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kSumLanes;
  const int row = static_cast<int>(blockIdx.x) * kRowsPerBlock + thread / kSumLanes;
  const int width = row < rows ? columns : 0;
  const std::size_t first = static_cast<std::size_t>(row) * static_cast<std::size_t>(columns);
  float squares = 0;
  for (int c = lane; c < width; c += kSumLanes) {
    const float value = x[first + static_cast<std::size_t>(c)];
    squares = __fadd_rn(squares, __fmul_rn(value, value));
  }
  const float length = __fsqrt_rn(LaneTree(squares));
  const float divisor = length < eps ? eps : length;  // a NaN stays one, as on the host
  for (int c = lane; c < width; c += kSumLanes) {
    const std::size_t i = first + static_cast<std::size_t>(c);
    out[i] = __fdiv_rn(x[i], divisor);
  }
}

}  // namespace

void AddNorm(Stream& stream, ConstTensor x, const float* bias, ConstTensor residual,
             const LayerNormParameters& norm, Tensor out) {
  if (!stream.ok() || x.rows == 0) return;
  DispatchRow(x.columns, [&](auto packets) {
    DispatchType(x.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto launch = [&](auto kernel, unsigned blocks, dim3 block) {
        LaunchEarly(stream, "add + norm", kernel, dim3(blocks), block, 0,
                    static_cast<const T*>(x.data), bias, static_cast<const T*>(residual.data), norm,
                    x.rows, x.columns, static_cast<T*>(out.data));
      };
      if constexpr (TakesRing<T, packets()>()) {
        launch(AddNormRingKernel<T, packets()>,
               RingGrid<packets()>(x.rows, stream.multiprocessors()), dim3(kWarp, kRingWarps));
      } else {
        launch(AddNormKernel<T, packets()>, Blocks(x.rows, kWarpsPerBlock),
               dim3(kWarp, kWarpsPerBlock));
      }
    });
  });
}

void NormalizeRows(Stream& stream, ConstTensor x, float eps, Tensor out) {
  if (!stream.ok() || x.rows == 0) return;
  NormalizeRowsKernel<<<Blocks(x.rows, kRowsPerBlock), kThreads, 0, stream.get()>>>(
      static_cast<const float*>(x.data), eps, x.rows, x.columns, static_cast<float*>(out.data));
  stream.CheckLaunch("normalize rows");
}

}  // namespace embedserve::kernels
