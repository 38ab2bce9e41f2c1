// The least a kernel that moves rows must do: read as many arrays, write as many, and nothing else.
// Its time is the ceiling of such a kernel at that size, ramp and tail included, which the speed of
// a large copy is not.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve {

// All arrays of one size, whole 16-byte words.
void ReadRows(kernels::Stream& stream, kernels::ConstTensor a);
// out = a, or a xor b where b.data is not null.
void MoveRows(kernels::Stream& stream, kernels::ConstTensor a, kernels::ConstTensor b,
              kernels::Tensor out);

}  // namespace embedserve
