#include "kernels/gelu_linear_sm90.cuh"

namespace embedserve::kernels::sm90 {

cudaError_t GeluLinearFp16(const GeluLinearArguments& arguments, cudaStream_t stream) {
  return LaunchGeluLinear<cutlass::half_t>(arguments, stream);
}

}  // namespace embedserve::kernels::sm90
