// A matrix product straight from cuBLASLt, in every form that it offers: the ceiling of the
// products that kernels/gemm.h chooses from fewer plans, and what 8 bits would give.
#pragma once

#include <cublasLt.h>

#include <vector>

#include "kernels/buffer.h"
#include "kernels/gemm.h"
#include "kernels/stream.h"

namespace embedserve {

class LtProduct {
 public:
  enum class Scales { kNone, kVectors };  // kVectors: a factor a row of x and one a row of w
  struct Shape {
    int rows = 0, inputs = 0, outputs = 0;  // M, K, N
    cudaDataType_t input = CUDA_R_16F;      // of x and w
    cudaDataType_t output = CUDA_R_16F;
    cudaDataType_t bias_type = CUDA_R_16F;
    bool bias = false;
    bool gelu = false;       // the tanh form, the only one there
    bool in_order = true;    // no split of K
    bool fast_sums = false;  // 8 bits: fewer bits of the sum are kept
    Scales scales = Scales::kNone;
  };
  // Device memory: x (M, K), w (N, K), y (M, N), dense; a factor each, fp32, with kVectors.
  struct Operands {
    const void* x = nullptr;
    const void* w = nullptr;
    const void* bias = nullptr;
    const float* x_scales = nullptr;
    const float* w_scales = nullptr;
    void* y = nullptr;
    float alpha = 1;  // y = alpha x w^T + bias
  };

  // Asks the heuristic; no candidate = cuBLASLt does not have the form. Failures stick to `stream`.
  LtProduct(kernels::Stream& stream, const kernels::GemmLibrary& library, Shape shape);

  std::size_t candidates() const { return methods_.size(); }
  // cuBLASLt may refuse a candidate; the stream stays usable.
  cublasStatus_t Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                     std::size_t candidate, const Operands& operands);

 private:
  bool Describe(kernels::Stream& stream);
  void Ask(kernels::Stream& stream);

  cublasLtHandle_t library_;
  Shape shape_;
  cublasLtMatmulDescOpaque_t operation_{};
  cublasLtMatrixLayoutOpaque_t w_layout_{}, x_layout_{}, c_layout_{}, y_layout_{};
  std::vector<cublasLtMatmulAlgo_t> methods_;
};

}  // namespace embedserve
