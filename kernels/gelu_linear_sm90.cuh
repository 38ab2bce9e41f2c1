// y = GELU(x w^T + bias) on Hopper: TMA, wgmma, two consumer groups that take turns (one multiplies
// while the other applies the activation), 128 x 128 tiles, pairs of blocks sharing their weights.
//
// Measured on an H100 at M = 11264, 768 -> 3072, fp16: 98.7 us against 81.6 with a plain bias and
// 131 for a product and an activation kernel; 128 x 256 tiles and cuBLASLt's tanh form were not
// faster. Needs -DNDEBUG: device asserts become calls, and ptxas then serialises wgmma (C7510).
#pragma once

#include <cuda_runtime.h>

#include "cutlass/cutlass.h"
#include "cutlass/epilogue/collective/collective_builder.hpp"
#include "cutlass/epilogue/fusion/sm90_callbacks_tma_warpspecialized.hpp"
#include "cutlass/gemm/collective/collective_builder.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"
#include "cutlass/gemm/kernel/gemm_universal.hpp"
#include "cutlass/util/packed_stride.hpp"
#include "kernels/device/saturating_gelu.cuh"
#include "kernels/gelu_linear_forms.h"

namespace embedserve::kernels::sm90 {

template <class Element>
struct Product {
  using TileShape = cute::Shape<cute::_128, cute::_128, cute::_64>;
  using ClusterShape = cute::Shape<cute::_2, cute::_1, cute::_1>;
  using Schedule = cutlass::gemm::KernelTmaWarpSpecializedPingpong;
  using EpilogueSchedule = cutlass::epilogue::TmaWarpSpecialized;
  static constexpr auto kRound = cutlass::FloatRoundStyle::round_to_nearest;
  static constexpr int kAlignment = 8;

  using Bias = cutlass::epilogue::fusion::Sm90RowBroadcast<0, TileShape, Element, float>;
  using Sum = cutlass::epilogue::fusion::Sm90EVT<
      cutlass::epilogue::fusion::Sm90Compute<cutlass::plus, float, float, kRound>,
      cutlass::epilogue::fusion::Sm90AccFetch, Bias>;
  using Fusion = cutlass::epilogue::fusion::Sm90EVT<
      cutlass::epilogue::fusion::Sm90Compute<SaturatingGelu, Element, float, kRound>, Sum>;

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, TileShape, ClusterShape,
      cutlass::epilogue::collective::EpilogueTileAuto, float, float, void,
      cutlass::layout::RowMajor, kAlignment, Element, cutlass::layout::RowMajor, kAlignment,
      EpilogueSchedule, Fusion>::CollectiveOp;
  using Mainloop = typename cutlass::gemm::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Element, cutlass::layout::RowMajor,
      kAlignment, Element, cutlass::layout::ColumnMajor, kAlignment, float, TileShape, ClusterShape,
      cutlass::gemm::collective::StageCountAutoCarveout<static_cast<int>(
          sizeof(typename Epilogue::SharedStorage))>,
      Schedule>::CollectiveOp;
  using Kernel =
      cutlass::gemm::kernel::GemmUniversal<cute::Shape<int, int, int, int>, Mainloop, Epilogue>;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;
};

template <class Element>
cudaError_t Launch(const GeluLinearArguments& a, cudaStream_t stream) {
  using Gemm = typename Product<Element>::Gemm;
  using Kernel = typename Gemm::GemmKernel;
  const auto stride_x =
      cutlass::make_cute_packed_stride(typename Kernel::StrideA{}, cute::make_shape(a.m, a.k, 1));
  const auto stride_w =
      cutlass::make_cute_packed_stride(typename Kernel::StrideB{}, cute::make_shape(a.n, a.k, 1));
  const auto stride_y =
      cutlass::make_cute_packed_stride(typename Kernel::StrideD{}, cute::make_shape(a.m, a.n, 1));
  typename Gemm::Arguments arguments{
      cutlass::gemm::GemmUniversalMode::kGemm,
      {a.m, a.n, a.k, 1},
      {static_cast<const Element*>(a.x), stride_x, static_cast<const Element*>(a.w), stride_w},
      {{}, nullptr, {}, static_cast<Element*>(a.y), stride_y}};
  // The tree of the epilogue: activation(sum(accumulator, bias)); children first, then the node.
  arguments.epilogue.thread = {{{}, {static_cast<const Element*>(a.bias)}, {}}, {}};
  arguments.hw_info.device_id = a.ordinal;
  arguments.hw_info.sm_count = a.multiprocessors;
  Gemm gemm;
  if (gemm.can_implement(arguments) != cutlass::Status::kSuccess) return cudaErrorInvalidValue;
  if (gemm.initialize(arguments, nullptr, stream) != cutlass::Status::kSuccess) {
    return cudaErrorInvalidConfiguration;
  }
  if (gemm.run(stream) != cutlass::Status::kSuccess) return cudaErrorLaunchFailure;
  return cudaSuccess;
}

template <class Element>
GeluLinearKernel Form() {
  return {Launch<Element>, reinterpret_cast<const void*>(
                               &cutlass::device_kernel<typename Product<Element>::Kernel>)};
}

}  // namespace embedserve::kernels::sm90
