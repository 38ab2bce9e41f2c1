#include "kernels/gelu_linear_sm90.cuh"

namespace embedserve::kernels::sm90 {

GeluLinearKernel GeluLinearFp16() { return Form<cutlass::half_t>(); }

}  // namespace embedserve::kernels::sm90
