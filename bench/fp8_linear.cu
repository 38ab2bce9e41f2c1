// Tiles of 128 x 128, pairs of blocks sharing their weights. Fast sums take the form that
// kernels/gelu_linear_sm90.cuh found best for fp16, two consumer groups that take turns; precise
// ones hold each sum twice, for which two groups share a tile.
#include "bench/fp8_linear.h"
#include "cutlass/cutlass.h"
#include "cutlass/epilogue/collective/collective_builder.hpp"
#include "cutlass/epilogue/fusion/sm90_callbacks_tma_warpspecialized.hpp"
#include "cutlass/gemm/collective/collective_builder.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"
#include "cutlass/gemm/kernel/gemm_universal.hpp"
#include "cutlass/util/packed_stride.hpp"

namespace embedserve {
namespace {

namespace fusion = cutlass::epilogue::fusion;
namespace collective = cutlass::gemm::collective;

template <class Schedule, class EpilogueSchedule>
struct Fp8Kernel {
  using Input = cutlass::float_e4m3_t;
  using Output = cutlass::half_t;
  using TileShape = cute::Shape<cute::_128, cute::_128, cute::_128>;
  using ClusterShape = cute::Shape<cute::_2, cute::_1, cute::_1>;
  static constexpr auto kRound = cutlass::FloatRoundStyle::round_to_nearest;
  static constexpr int kInputAlignment = 16, kOutputAlignment = 8;

  using RowScale = fusion::Sm90ColBroadcast<0, TileShape, float, float>;
  using ColumnScale = fusion::Sm90RowBroadcast<0, TileShape, float, float>;
  using Bias = fusion::Sm90RowBroadcast<0, TileShape, Output, float>;
  using Scaled = fusion::Sm90EVT<fusion::Sm90Compute<cutlass::multiplies, float, float, kRound>,
                                 ColumnScale, fusion::Sm90AccFetch>;
  using Fusion =
      fusion::Sm90EVT<fusion::Sm90Compute<cutlass::homogeneous_multiply_add, Output, float, kRound>,
                      RowScale, Scaled, Bias>;

  using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
      cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, TileShape, ClusterShape,
      cutlass::epilogue::collective::EpilogueTileAuto, float, float, void,
      cutlass::layout::RowMajor, kOutputAlignment, Output, cutlass::layout::RowMajor,
      kOutputAlignment, EpilogueSchedule, Fusion>::CollectiveOp;
  using Mainloop =
      typename collective::CollectiveBuilder<cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp,
                                             Input, cutlass::layout::RowMajor, kInputAlignment,
                                             Input, cutlass::layout::ColumnMajor, kInputAlignment,
                                             float, TileShape, ClusterShape,
                                             collective::StageCountAutoCarveout<static_cast<int>(
                                                 sizeof(typename Epilogue::SharedStorage))>,
                                             Schedule>::CollectiveOp;
  using Kernel =
      cutlass::gemm::kernel::GemmUniversal<cute::Shape<int, int, int, int>, Mainloop, Epilogue>;
  using Gemm = cutlass::gemm::device::GemmUniversalAdapter<Kernel>;
};

template <class Schedule, class EpilogueSchedule>
cudaError_t Launch(const Fp8LinearArguments& a, cudaStream_t stream) {
  using Form = Fp8Kernel<Schedule, EpilogueSchedule>;
  using Gemm = typename Form::Gemm;
  using Kernel = typename Gemm::GemmKernel;
  using Input = typename Form::Input;
  using Output = typename Form::Output;
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
      {{}, nullptr, {}, static_cast<Output*>(a.y), stride_y}};
  // Children first, then the node: x_scales, (w_scales, sum), bias.
  arguments.epilogue.thread = {
      {a.x_scales}, {{a.w_scales}, {}, {}}, {static_cast<const Output*>(a.bias)}, {}};
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

}  // namespace

cudaError_t Fp8Linear(const Fp8LinearArguments& arguments, bool fast_sums, cudaStream_t stream) {
  if (fast_sums) {
    return Launch<cutlass::gemm::KernelTmaWarpSpecializedPingpongFP8FastAccum,
                  cutlass::epilogue::TmaWarpSpecialized>(arguments, stream);
  }
  return Launch<cutlass::gemm::KernelTmaWarpSpecializedCooperative,
                cutlass::epilogue::TmaWarpSpecializedCooperative>(arguments, stream);
}

}  // namespace embedserve
