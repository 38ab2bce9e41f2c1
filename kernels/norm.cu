// out = LayerNorm(x + bias + residual). A warp owns a row: H / 256 packets of 8 values a lane stay
// in registers between the two passes. Bytes moved: two reads and one write of (M, H); bound by
// device memory (bias, gamma and beta come from L1). One row a warp and as many blocks as rows gave
// 64 % of the copy speed on an H100: two waves and a third, and nothing in flight while a row is
// reduced. So 16-bit rows are read ahead by warps that stay.
#include <algorithm>

#include "kernels/device/early.cuh"
#include "kernels/device/lane_sum.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/norm.h"

namespace embedserve::kernels {
namespace {

constexpr int kWarpsPerBlock = 4;
constexpr int kThreads = kWarpsPerBlock * kWarp;

__device__ void BeginNorm(const float* bias, const LayerNormParameters& norm, int columns) {
  LetNextStart();
  const int thread = static_cast<int>(threadIdx.y * kWarp + threadIdx.x);
  if (bias != nullptr) PrefetchVector(bias, columns, thread, kThreads);
  PrefetchVector(norm.gamma, columns, thread, kThreads);
  PrefetchVector(norm.beta, columns, thread, kThreads);
  WaitForInput();
}

// Rows that a warp takes one after the other, the next read while this one is computed.
// kBlocks: on a multiprocessor, as many as registers allow.
template <int kPackets>
constexpr int kBlocks = kPackets <= 2 ? 7 : 8 - kPackets;
template <class T, int kPackets>
constexpr bool kReadsAhead = sizeof(T) == 2 && kPackets >= 1 && kPackets <= 4;

template <class T, int kPackets>
__global__ void __launch_bounds__(kThreads, kBlocks<kPackets>)
    AddNormAheadKernel(const T* x, const float* bias, const T* residual, LayerNormParameters norm,
                       int rows, int columns, T* out) {
  BeginNorm(bias, norm, columns);
  const int step = static_cast<int>(gridDim.x) * kWarpsPerBlock;
  int row = static_cast<int>(blockIdx.x) * kWarpsPerBlock + static_cast<int>(threadIdx.y);
  if (row >= rows) return;
  const auto at = [columns](int r) {
    return static_cast<std::size_t>(r) * static_cast<std::size_t>(columns);
  };
  RawRow<T, kPackets> next_x, next_residual;
  const auto read = [&](int r) {
    next_x.Load(x + at(r), columns);
    if (residual != nullptr) next_residual.Load(residual + at(r), columns);
  };
  read(row);
  for (; row < rows; row += step) {
    WarpRow<kPackets> sum;
    sum.Take(next_x);
    if (residual != nullptr) sum.Add(next_residual);
    if (row + step < rows) read(row + step);
    if (bias != nullptr) sum.Add(bias, columns);
    sum.LayerNorm(norm.gamma, norm.beta, norm.eps, columns);
    sum.Store(out + at(row), columns);
  }
}

template <class T, int kPackets>
__global__ void __launch_bounds__(kThreads)
    AddNormKernel(const T* x, const float* bias, const T* residual, LayerNormParameters norm,
                  int rows, int columns, T* out) {
  BeginNorm(bias, norm, columns);
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
    sum.LayerNorm(norm.gamma, norm.beta, norm.eps, columns);
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

constexpr dim3 kBlock(kWarp, kWarpsPerBlock);

}  // namespace

void AddNorm(Stream& stream, ConstTensor x, const float* bias, ConstTensor residual,
             const LayerNormParameters& norm, Tensor out) {
  if (!stream.ok() || x.rows == 0) return;
  DispatchRow(x.columns, [&](auto packets) {
    DispatchType(x.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto launch = [&](auto kernel, dim3 grid) {
        LaunchEarly(stream, "add + norm", kernel, grid, kBlock, 0, static_cast<const T*>(x.data),
                    bias, static_cast<const T*>(residual.data), norm, x.rows, x.columns,
                    static_cast<T*>(out.data));
      };
      if constexpr (kReadsAhead<T, packets()>) {
        const auto most = static_cast<unsigned>(stream.multiprocessors() * kBlocks<packets()>);
        launch(AddNormAheadKernel<T, packets()>,
               dim3(std::min(Blocks(x.rows, kWarpsPerBlock), most)));
      } else {
        launch(AddNormKernel<T, packets()>, dim3(Blocks(x.rows, kWarpsPerBlock)));
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
