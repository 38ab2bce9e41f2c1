#include "model/engine/head_modules.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "model/engine/l2_normalize.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

std::size_t Size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

absl::StatusOr<HeadChain::Dense> HeadChain::MakeDense(const dnnl::engine& engine,
                                                      const DenseModule& module, int threads) {
  Dense dense;
  const int in = module.in_features;
  const int out = module.out_features;
  ASSIGN_OR_RETURN(dense.plan, MatmulPlan::Create(engine, {in, out, module.activation}, threads));
  const std::vector<float> bias = module.bias ? module.bias->ToFloat() : std::vector<float>{};
  dense.weights = dense.plan->Pack(module.weight.ToFloat(), bias);
  dense.use_residual = module.use_residual;
  if (module.residual) {
    ASSIGN_OR_RETURN(dense.residual_plan, MatmulPlan::Create(engine, {in, out}, threads));
    dense.residual_weights = dense.residual_plan->Pack(module.residual->ToFloat(), {});
  }
  return dense;
}

absl::StatusOr<HeadChain> HeadChain::Create(const dnnl::engine& engine,
                                            std::span<const HeadModule> modules, int width,
                                            int threads) {
  HeadChain chain;
  int widest = width;
  for (const HeadModule& module : modules) {
    if (const auto* dense = std::get_if<DenseModule>(&module)) {
      ASSIGN_OR_RETURN(Dense step, MakeDense(engine, *dense, threads));
      chain.steps_.emplace_back(std::move(step));
      width = dense->out_features;
      widest = std::max(widest, width);
    } else if (const auto* norm = std::get_if<LayerNormModule>(&module)) {
      chain.steps_.emplace_back(
          Norm{width, LayerNorm(norm->weight, norm->bias, LayerNormModule::kEps)});
    } else {
      chain.steps_.emplace_back(L2{width});
    }
  }
  chain.width_ = width;
  if (chain.steps_.empty()) return chain;
  const std::size_t size = Size(kTileRows) * Size(widest);
  for (int thread = 0; thread < threads; ++thread) {
    chain.buffers_.push_back({Buffer<float>(size), Buffer<float>(size), Buffer<float>(size)});
  }
  return chain;
}

float* HeadChain::Input(int thread) { return buffers_[Size(thread)].x.data(); }

const float* HeadChain::Apply(int thread, int rows) {
  Rows& buffers = buffers_[Size(thread)];
  for (const Step& step : steps_) {
    std::visit([&](const auto& each) { Run(each, thread, rows, buffers); }, step);
  }
  return buffers.x.data();
}

void HeadChain::Run(const Dense& dense, int thread, int rows, Rows& buffers) {
  float* const x = buffers.x.data();
  float* const y = buffers.y.data();
  dense.plan->Run(dense.weights, Team::kOneThread, thread, rows, x, y);
  if (dense.use_residual) {
    const float* residual = x;
    if (dense.residual_plan != nullptr) {
      dense.residual_plan->Run(dense.residual_weights, Team::kOneThread, thread, rows, x,
                               buffers.residual.data());
      residual = buffers.residual.data();
    }
    const std::size_t size = Size(rows) * Size(dense.plan->shape().out);
    for (std::size_t i = 0; i < size; ++i) y[i] += residual[i];
  }
  std::swap(buffers.x, buffers.y);
}

void HeadChain::Run(const Norm& norm, int /*thread*/, int rows, Rows& buffers) {
  for (int row = 0; row < rows; ++row) {
    float* const x = buffers.x.data() + Size(row) * Size(norm.width);
    norm.norm.Apply(x, nullptr, x);
  }
}

void HeadChain::Run(const L2& l2, int /*thread*/, int rows, Rows& buffers) {
  for (int row = 0; row < rows; ++row) {
    L2Normalize({buffers.x.data() + Size(row) * Size(l2.width), Size(l2.width)});
  }
}

}  // namespace embedserve
