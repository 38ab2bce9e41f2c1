#include "kernels/gelu_linear_sm80.cuh"

namespace embedserve::kernels::sm80 {

GeluLinearKernel GeluLinearBf16() { return Form<cutlass::bfloat16_t>(); }

}  // namespace embedserve::kernels::sm80
