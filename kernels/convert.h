// From one storage type to another.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// out = x, rounded to out's type; fp16 saturates. Any shape.
void Convert(Stream& stream, ConstTensor x, Tensor out);

}  // namespace embedserve::kernels
