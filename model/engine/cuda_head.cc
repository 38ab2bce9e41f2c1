#include "model/engine/cuda_head.h"

#include <algorithm>
#include <utility>

#include "kernels/activation.h"
#include "kernels/norm.h"

namespace embedserve {
namespace {

// A buffer as a dense matrix of fewer columns.
kernels::Tensor As(const kernels::Tensor& buffer, int rows, int columns) {
  return {buffer.data, buffer.type, rows, columns};
}

}  // namespace

CudaHead::CudaHead(kernels::Stream& stream, const kernels::GemmLibrary& library,
                   const kernels::DeviceBuffer& workspace, std::span<const CudaHeadModule> modules,
                   int width, int most_rows)
    : modules_(modules), pooled_(width), width_(width), widest_(width), most_rows_(most_rows) {
  for (const CudaHeadModule& module : modules) {
    Products& products = products_.emplace_back();
    const auto* const dense = std::get_if<CudaDense>(&module);
    if (dense == nullptr) continue;
    const auto shape = [&](const kernels::ConstTensor& weight, bool bias) {
      return kernels::Gemm::Shape{kernels::DType::kFp32, weight.columns, weight.rows, bias};
    };
    products.dense.emplace(stream, library, workspace,
                           shape(dense->weight, dense->bias.data != nullptr), most_rows);
    if (dense->residual.data != nullptr) {
      products.residual.emplace(stream, library, workspace, shape(dense->residual, false),
                                most_rows);
    }
    width_ = dense->weight.rows;
    widest_ = std::max(widest_, width_);
  }
}

CudaHead::Rows CudaHead::Cut(kernels::Arena& arena) const {
  const auto take = [&] { return arena.TakeTensor(kernels::DType::kFp32, most_rows_, widest_); };
  if (modules_.empty()) return {.in = take()};
  return {.in = take(), .out = take(), .residual = take()};
}

kernels::Tensor CudaHead::Input(const Rows& rows, int count) const {
  return As(rows.in, count, pooled_);
}

kernels::Tensor CudaHead::Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                              const Rows& rows, int count) {
  kernels::Tensor now = Input(rows, count), other = rows.out;
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    if (const auto* dense = std::get_if<CudaDense>(&modules_[i])) {
      const kernels::Tensor out = As(other, count, dense->weight.rows);
      RunDense(stream, workspace, *dense, products_[i], now, out,
               As(rows.residual, count, out.columns));
      other = std::exchange(now, out);
    } else if (const auto* norm = std::get_if<CudaNorm>(&modules_[i])) {
      kernels::AddNorm(stream, now, nullptr, {}, norm->norm, now);
    } else {
      kernels::NormalizeRows(stream, now, NormalizeModule::kEps, now);
    }
  }
  return now;
}

void CudaHead::RunDense(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                        const CudaDense& dense, Products& products, kernels::ConstTensor in,
                        kernels::Tensor out, kernels::Tensor residual) {
  products.dense->Run(stream, workspace, in, dense.weight, dense.bias.data, out);
  kernels::Activate(stream, dense.activation, out);
  if (!dense.use_residual) return;
  if (!products.residual.has_value()) return kernels::Add(stream, in, out);
  products.residual->Run(stream, workspace, in, dense.residual, nullptr, residual);
  kernels::Add(stream, residual, out);
}

}  // namespace embedserve
