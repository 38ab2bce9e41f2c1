#include "kernels/gelu_linear_sm90.cuh"

namespace embedserve::kernels::sm90 {

GeluLinearKernel GeluLinearBf16() { return Form<cutlass::bfloat16_t>(); }

}  // namespace embedserve::kernels::sm90
