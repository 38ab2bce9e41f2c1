#include "kernels/gelu_linear_sm90.cuh"

namespace embedserve::kernels::sm90 {

cudaError_t GeluLinearBf16(const GeluLinearArguments& arguments, cudaStream_t stream) {
  return LaunchGeluLinear<cutlass::bfloat16_t>(arguments, stream);
}

}  // namespace embedserve::kernels::sm90
