#include "kernels/gelu_linear_sm80.cuh"

namespace embedserve::kernels::sm80 {

GeluLinearKernel GeluLinearFp16() { return Form<cutlass::half_t>(); }

}  // namespace embedserve::kernels::sm80
