// Matrix products of few rows: y = x w^T + bias for at most 64 rows of x, where reading w is all
// that counts.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

inline constexpr int kMostSmallRows = 64;

enum class SmallEpilogue {
  kBias,      // x w^T + bias; no bias if it is null
  kBiasGelu,  // GELU of that, on the fp32 sum (device/gelu.cuh)
};

// fp16 and bf16, inputs a multiple of 128 up to 4096, outputs a multiple of 8.
// Where a block may have no more than kLeastSharedBytes, inputs up to 1920.
bool HasSmallGemm(const Stream& stream, DType type, int inputs, int outputs);

// y (M, N) from x (M, K), w (N, K), bias (N), all of one type. Sums run over K in steps of 16, in
// order, as those of the large products do.
void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, Tensor y);

}  // namespace embedserve::kernels
