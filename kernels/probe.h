// Random contents and bit comparison on the device: what choosing among plans needs.
#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// Values in [-1, 1), a function of `seed` and the index alone. Never zeros: products of zeros run
// faster than products of real data and hide a wrong index.
void FillRandom(Stream& stream, uint32_t seed, Tensor x);

// Adds to *count (device memory) the number of values whose bits differ. One shape, one type.
void CountDifferences(Stream& stream, ConstTensor a, ConstTensor b, unsigned* count);

}  // namespace embedserve::kernels
