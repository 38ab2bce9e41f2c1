// y = epilogue(x w^T) on Hopper, by CUTLASS: TMA and wgmma, 128 x 128 tiles of 128 bytes of K,
// pairs of blocks sharing their weights. Needs -DNDEBUG: device asserts become calls, and ptxas
// then serialises wgmma (C7510).
#pragma once

#include <cuda_runtime_api.h>

#include "cutlass/cutlass.h"
#include "cutlass/epilogue/collective/collective_builder.hpp"
#include "cutlass/epilogue/fusion/sm90_callbacks_tma_warpspecialized.hpp"
#include "cutlass/gemm/collective/collective_builder.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"
#include "cutlass/gemm/kernel/gemm_universal.hpp"
#include "cutlass/util/packed_stride.hpp"
#include "kernels/cutlass_launch.cuh"

namespace embedserve::kernels {

template <class Input>
using HopperTile = cute::Shape<cute::_128, cute::_128, cute::Int<128 / sizeof(Input)>>;

// Fusion: the tree of the epilogue, over HopperTile<Input>, from sums in fp32 to Output. Schedule
// and EpilogueSchedule: two names of CUTLASS that belong together.
template <class Input, class Output, class Fusion, class Schedule, class EpilogueSchedule>
struct HopperProduct {
  using Tile = HopperTile<Input>;
  using Cluster = cute::Shape<cute::_2, cute::_1, cute::_1>;
  static constexpr int kInputAlignment = 16 / sizeof(Input);  // TMA moves units of 16 bytes
  static constexpr int kOutputAlignment = 16 / sizeof(Output);

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Tile, Cluster,
      cutlass::epilogue::collective::EpilogueTileAuto, float, float, void,
      cutlass::layout::RowMajor, kOutputAlignment, Output, cutlass::layout::RowMajor,
      kOutputAlignment, EpilogueSchedule, Fusion>::CollectiveOp;
  using Mainloop = typename cutlass::gemm::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Input, cutlass::layout::RowMajor,
      kInputAlignment, Input, cutlass::layout::ColumnMajor, kInputAlignment, float, Tile, Cluster,
      cutlass::gemm::collective::StageCountAutoCarveout<static_cast<int>(
          sizeof(typename Epilogue::SharedStorage))>,
      Schedule>::CollectiveOp;
  using Kernel =
      cutlass::gemm::kernel::GemmUniversal<cute::Shape<int, int, int, int>, Mainloop, Epilogue>;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;

  // a: x (M, K), w (N, K) and y (M, N) on the device without gaps, m, n, k, and the device's
  // ordinal and number of multiprocessors. fusion: the arguments of Fusion, children first, then
  // the node.
  template <class Arguments>
  static cudaError_t Launch(const Arguments& a, const typename Fusion::Arguments& fusion,
                            cudaStream_t stream) {
    const auto stride_x =
        cutlass::make_cute_packed_stride(typename Kernel::StrideA{}, cute::make_shape(a.m, a.k, 1));
    const auto stride_w =
        cutlass::make_cute_packed_stride(typename Kernel::StrideB{}, cute::make_shape(a.n, a.k, 1));
    const auto stride_y =
        cutlass::make_cute_packed_stride(typename Kernel::StrideD{}, cute::make_shape(a.m, a.n, 1));
    typename Gemm::Arguments arguments{
        cutlass::gemm::GemmUniversalMode::kGemm,
        {a.m, a.n, a.k, 1},
        {static_cast<const Input*>(a.x), stride_x, static_cast<const Input*>(a.w), stride_w},
        {fusion, nullptr, {}, static_cast<Output*>(a.y), stride_y}};
    arguments.hw_info.device_id = a.ordinal;
    arguments.hw_info.sm_count = a.multiprocessors;
    return LaunchCutlass<Gemm>(arguments, stream);
  }
};

}  // namespace embedserve::kernels
