// Fast sums take the form that kernels/gelu_linear_sm90.cuh found best for fp16, two consumer
// groups that take turns; precise ones hold each sum twice, for which two groups share a tile.
#include "bench/fp8_linear.h"
#include "kernels/hopper_product.cuh"

namespace embedserve {
namespace {

namespace fusion = cutlass::epilogue::fusion;
using Input = cutlass::float_e4m3_t;
using Output = cutlass::half_t;
using Tile = kernels::HopperTile<Input>;
constexpr auto kRound = cutlass::FloatRoundStyle::round_to_nearest;

using RowScale = fusion::Sm90ColBroadcast<0, Tile, float, float>;
using ColumnScale = fusion::Sm90RowBroadcast<0, Tile, float, float>;
using Bias = fusion::Sm90RowBroadcast<0, Tile, Output, float>;
using Scaled = fusion::Sm90EVT<fusion::Sm90Compute<cutlass::multiplies, float, float, kRound>,
                               ColumnScale, fusion::Sm90AccFetch>;
using Fusion =
    fusion::Sm90EVT<fusion::Sm90Compute<cutlass::homogeneous_multiply_add, Output, float, kRound>,
                    RowScale, Scaled, Bias>;

template <class Schedule, class EpilogueSchedule>
cudaError_t Launch(const Fp8LinearArguments& a, cudaStream_t stream) {
  // x_scales * (w_scales * sum) + bias
  return kernels::HopperProduct<Input, Output, Fusion, Schedule, EpilogueSchedule>::Launch(
      a, {{a.x_scales}, {{a.w_scales}, {}, {}}, {static_cast<const Output*>(a.bias)}, {}}, stream);
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
