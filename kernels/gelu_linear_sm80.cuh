// y = GELU(x w^T + bias) by mma.sync, for cards without wgmma: tiles of 128 x 128, four warps of
// 64 x 64, four stages of cp.async (64 KiB of shared memory, which every card from Ampere on has).
// The tile is the same for every M and sums run over K in order: a row's bits depend on no other.
#pragma once

#include <cuda_runtime.h>
#include <cutlass/gemm/device/gemm_universal.h>  // the visitors do not include what they use

#include "cutlass/epilogue/threadblock/fusion/visitors.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"
#include "cutlass/gemm/kernel/default_gemm_universal_with_visitor.h"
#include "kernels/cutlass_launch.cuh"
#include "kernels/device/saturating_gelu.cuh"
#include "kernels/gelu_linear_forms.h"

namespace embedserve::kernels::sm80 {

template <class Element>
struct Product {
  using Tile = cutlass::gemm::GemmShape<128, 128, 32>;
  using WarpTile = cutlass::gemm::GemmShape<64, 64, 32>;
  using Instruction = cutlass::gemm::GemmShape<16, 8, 16>;
  static constexpr auto kRound = cutlass::FloatRoundStyle::round_to_nearest;
  static constexpr int kAlignment = 8, kStages = 4, kEpilogueStages = 1;

  using ThreadMap =
      cutlass::epilogue::threadblock::OutputTileThreadLayout<Tile, WarpTile, Element, kAlignment,
                                                             kEpilogueStages>;
  using Bias = cutlass::epilogue::threadblock::VisitorRowBroadcast<
      ThreadMap, Element, cute::Stride<cute::_0, cute::_1, int32_t>>;
  using Sum = cutlass::epilogue::threadblock::Sm80EVT<
      cutlass::epilogue::threadblock::VisitorCompute<cutlass::plus, float, float, kRound>,
      cutlass::epilogue::threadblock::VisitorAccFetch, Bias>;
  using Activated = cutlass::epilogue::threadblock::Sm80EVT<
      cutlass::epilogue::threadblock::VisitorCompute<SaturatingGelu, Element, float, kRound>, Sum>;
  using Stored = cutlass::epilogue::threadblock::Sm80EVT<
      cutlass::epilogue::threadblock::VisitorAuxStore<ThreadMap, Element, kRound,
                                                      cute::Stride<int64_t, cute::_1, int64_t>>,
      Activated>;

  using Kernel = typename cutlass::gemm::kernel::DefaultGemmWithVisitor<
      Element, cutlass::layout::RowMajor, cutlass::ComplexTransform::kNone, kAlignment, Element,
      cutlass::layout::ColumnMajor, cutlass::ComplexTransform::kNone, kAlignment, Element,
      cutlass::layout::RowMajor, kAlignment, float, float, cutlass::arch::OpClassTensorOp,
      cutlass::arch::Sm80, Tile, WarpTile, Instruction, Stored,
      cutlass::gemm::threadblock::GemmIdentityThreadblockSwizzle<8>, kStages,
      cutlass::arch::OpMultiplyAdd, kEpilogueStages>::GemmKernel;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;
};

template <class Element>
cudaError_t Launch(const GeluLinearArguments& a, cudaStream_t stream) {
  using Gemm = typename Product<Element>::Gemm;
  // The tree of the epilogue: children first, then the node.
  typename Product<Element>::Stored::Arguments epilogue{
      {{{}, {static_cast<const Element*>(a.bias), Element(0), {}}, {}}, {}},
      {static_cast<Element*>(a.y), {a.n, cute::_1{}, 0}}};
  const typename Gemm::Arguments arguments(
      cutlass::gemm::GemmUniversalMode::kGemm, {a.m, a.n, a.k}, /*batch_count=*/1, epilogue, a.x,
      a.w, /*ptr_C=*/nullptr, /*ptr_D=*/nullptr, int64_t{a.m} * a.k, int64_t{a.n} * a.k,
      /*batch_stride_C=*/0, /*batch_stride_D=*/0, int64_t{a.k}, int64_t{a.k}, /*stride_c=*/0,
      /*stride_d=*/0);
  return LaunchCutlass<Gemm>(arguments, stream);
}

template <class Element>
GeluLinearKernel Form() {
  return {Launch<Element>,
          reinterpret_cast<const void*>(&cutlass::Kernel2<typename Product<Element>::Kernel>)};
}

}  // namespace embedserve::kernels::sm80
