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

// What one Dense module multiplies by.
kernels::Gemm::Shape Shape(const kernels::ConstTensor& weight, bool bias) {
  return {kernels::DType::kFp32, weight.columns, weight.rows, bias};
}

}  // namespace

CudaHead::CudaHead(kernels::Stream& stream, const kernels::GemmLibrary& library,
                   const kernels::DeviceBuffer& workspace, std::span<const CudaHeadModule> modules,
                   int width, int most_rows)
    : modules_(modules), pooled_(width), width_(width) {
  for (const CudaHeadModule& module : modules) {
    Products& products = products_.emplace_back();
    const auto* const dense = std::get_if<CudaDense>(&module);
    if (dense == nullptr) continue;
    products.dense.emplace(stream, library, workspace, Shape(dense->weight, dense->bias.rows != 0),
                           most_rows);
    if (dense->residual.rows != 0) {
      products.residual.emplace(stream, library, workspace, Shape(dense->residual, false),
                                most_rows);
    }
    width_ = dense->weight.rows;
  }
}

std::size_t CudaHead::TrialBytes(std::span<const CudaHeadModule> modules, int most_rows) {
  std::size_t most = 0;
  for (const CudaHeadModule& module : modules) {
    const auto* const dense = std::get_if<CudaDense>(&module);
    if (dense == nullptr) continue;
    most = std::max(most, kernels::Gemm::TrialBytes(Shape(dense->weight, true), most_rows));
    if (dense->residual.rows == 0) continue;
    most = std::max(most, kernels::Gemm::TrialBytes(Shape(dense->residual, false), most_rows));
  }
  return most;
}

CudaHead::Rows CudaHead::Rows::Cut(kernels::Arena& arena, std::span<const CudaHeadModule> modules,
                                   int width, int most_rows) {
  int widest = width;
  for (const CudaHeadModule& module : modules) {
    if (const auto* dense = std::get_if<CudaDense>(&module)) {
      widest = std::max(widest, dense->weight.rows);
    }
  }
  const auto take = [&] { return arena.TakeTensor(kernels::DType::kFp32, most_rows, widest); };
  if (modules.empty()) return {.in = take()};
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
