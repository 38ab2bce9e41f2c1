// The modules of a folder that follow the pooling, on a device: always in fp32.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/gemm.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"
#include "model/engine/cuda_weights.h"

namespace embedserve {

class CudaHead {
 public:
  // Rows before, between and after the modules; each batch in flight has its own.
  struct Rows {
    kernels::Tensor in;        // (B, widest): the pooled rows go here
    kernels::Tensor out;       // (B, widest)
    kernels::Tensor residual;  // (B, widest)

    static Rows Cut(kernels::Arena& arena, std::span<const CudaHeadModule> modules, int width,
                    int most_rows);
  };

  // `width`: of the pooled rows. Failures stick to `stream`; `modules` must outlive the head.
  CudaHead(kernels::Stream& stream, const kernels::GemmLibrary& library,
           const kernels::DeviceBuffer& workspace, std::span<const CudaHeadModule> modules,
           int width, int most_rows);
  // Most device memory that the constructor takes at a time, and gives back.
  static std::size_t TrialBytes(std::span<const CudaHeadModule> modules, int most_rows);

  int width() const { return width_; }  // of the result

  // `rows.in` as the pooling should fill it for `count` sequences.
  kernels::Tensor Input(const Rows& rows, int count) const;
  // Returns the result, (count, width()), somewhere in `rows`.
  kernels::Tensor Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                      const Rows& rows, int count);

 private:
  struct Products {
    std::optional<kernels::Gemm> dense, residual;
  };
  void RunDense(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                const CudaDense& dense, Products& products, kernels::ConstTensor in,
                kernels::Tensor out, kernels::Tensor residual);

  std::span<const CudaHeadModule> modules_;
  std::vector<Products> products_;  // one for each module; empty where it is no Dense
  int pooled_;
  int width_;
};

}  // namespace embedserve
