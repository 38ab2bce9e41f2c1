// out = LayerNorm(x + bias + residual). A warp owns a row: H / 256 packets of 8 values a lane stay
// in registers between the two passes. Bytes moved: two reads and one write of (M, H); bound by
// device memory. Many rows that a ring of them holds take that (row_ring.cuh); few, and the others,
// go one to a warp.
#include "kernels/device/early.cuh"
#include "kernels/device/lane_sum.cuh"
#include "kernels/device/warp_row.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/norm.h"
#include "kernels/pooled_row.cuh"
#include "kernels/row_ring.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kWarpsPerBlock = 4;
constexpr int kThreads = kWarpsPerBlock * kWarp;
// Up to so many rows the way through the ring is only longer: on an H100 a pass of 39 rows takes
// 150 us and with the ring 154.
constexpr int kFewRows = 64;

// Where rows of the residual are chosen, lane l knows that of the warp's l-th row.
template <class T>
struct SummedRows {
  const T* x;
  const T* residual;  // may be null
  PooledRows residual_rows;
  int rows;
  int columns;
  int residual_row = 0;
  __device__ bool chosen() const { return residual_rows.sequences.offsets != nullptr; }
  __device__ void Prepare(int begin, int step) {
    const int row = begin + static_cast<int>(threadIdx.x) * step;
    if (chosen() && row < rows) residual_row = PooledRow(residual_rows, row);
  }
  __device__ RowPair<T> Rows(int row, int i) const {
    static_assert(kRingRounds <= kWarp);
    const auto at = [this](int r) {
      return static_cast<std::size_t>(r) * static_cast<std::size_t>(columns);
    };
    const T* const first = x + at(row);
    if (residual == nullptr) return {first, nullptr};
    return {first, residual + at(chosen() ? __shfl_sync(kFullWarp, residual_row, i) : row)};
  }
};

template <class T, class Out, int kPackets>
__global__ void __launch_bounds__(kRingThreads, kRingBlocks<kPackets>)
    AddNormRingKernel(const T* x, const float* bias, const T* residual, PooledRows residual_rows,
                      LayerNormParameters norm, int rows, int columns, Out* out) {
  LetNextStart();
  NormalizeSums<T, kPackets>(SummedRows<T>{x, residual, residual_rows, rows, columns}, bias, norm,
                             rows, columns, out);
}

// A warp a row. Where registers hold the vectors beside it, they are loaded before the input comes.
template <class T, class Out, int kPackets>
__global__ void __launch_bounds__(kThreads)
    AddNormKernel(const T* x, const float* bias, const T* residual, PooledRows residual_rows,
                  LayerNormParameters norm, int rows, int columns, Out* out) {
  LetNextStart();
  const int row = static_cast<int>(blockIdx.x) * kWarpsPerBlock + static_cast<int>(threadIdx.y);
  const auto at = [columns](int r) {
    return static_cast<std::size_t>(r) * static_cast<std::size_t>(columns);
  };
  if (residual != nullptr && row < rows) residual += at(PooledRow(residual_rows, row));
  x += at(row);
  out += at(row);
  if constexpr (kPackets == 0) {
    WaitForInput();
    if (row >= rows) return;
    const auto value = [=](int c) {
      return ToFloat(x[c]) + (residual == nullptr ? 0.0f : ToFloat(residual[c])) +
             (bias == nullptr ? 0.0f : bias[c]);
    };
    LayerNormAnyWidth(value, norm.gamma, norm.beta, norm.eps, columns, out);
  } else if constexpr (kPackets <= 4) {
    WarpRow<kPackets> held_bias, gamma, beta, sum;
    if (bias != nullptr) held_bias.Load(bias, columns);
    gamma.Load(norm.gamma, columns);
    beta.Load(norm.beta, columns);
    WaitForInput();
    if (row >= rows) return;
    sum.Load(x, columns);
    if (residual != nullptr) sum.Add(residual, columns);
    if (bias != nullptr) sum.Add(held_bias);
    sum.Standardize(norm.eps, columns);
    sum.Scale(gamma, beta);
    sum.Store(out, columns);
  } else {
    const int thread = static_cast<int>(threadIdx.y * kWarp + threadIdx.x);
    if (bias != nullptr) PrefetchVector(bias, columns, thread, kThreads);
    PrefetchVector(norm.gamma, columns, thread, kThreads);
    PrefetchVector(norm.beta, columns, thread, kThreads);
    WaitForInput();
    if (row >= rows) return;
    WarpRow<kPackets> sum;
    sum.Load(x, columns);
    if (residual != nullptr) sum.Add(residual, columns);
    if (bias != nullptr) sum.Add(bias, columns);
    sum.Standardize(norm.eps, columns);
    sum.Scale(norm.gamma, norm.beta, columns);
    sum.Store(out, columns);
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
             const LayerNormParameters& norm, Tensor out, const PooledRows& residual_rows) {
  if (!stream.ok() || x.rows == 0) return;
  DispatchRow(x.columns, [&](auto packets) {
    DispatchType(x.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto launch = [&](auto kernel, unsigned blocks, dim3 block) {
        LaunchEarly(stream, "add + norm", kernel, dim3(blocks), block, 0, x.data, bias,
                    residual.data, residual_rows, norm, x.rows, x.columns, out.data);
      };
      const auto launch_to = [&](auto out_tag) {
        using Out = typename decltype(out_tag)::type;
        if constexpr (TakesRing<T, packets()>()) {
          if (x.rows > kFewRows) {
            return launch(AddNormRingKernel<T, Out, packets()>,
                          RingGrid<packets()>(x.rows, stream.multiprocessors()),
                          dim3(kWarp, kRingWarps));
          }
        }
        launch(AddNormKernel<T, Out, packets()>, Blocks(x.rows, kWarpsPerBlock),
               dim3(kWarp, kWarpsPerBlock));
      };
      if (out.type == x.type) return launch_to(tag);
      if (out.type == DType::kFp32) return launch_to(TypeTag<float>{});
      stream.Fail("add + norm", "rows go to fp32 or stay in their type");
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
