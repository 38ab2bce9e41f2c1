#include "model/engine/matmul_plan.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dnnl.hpp"
#include "fmt/format.h"
#include "model/folder/encoder_config.h"

namespace embedserve {
namespace {

using dnnl::memory;
using Type = memory::data_type;
using Order = memory::format_tag;

// oneDNN compiles for as many threads as OpenMP would use at that moment.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  int before_;
};

void AppendActivation(Activation activation, dnnl::post_ops& ops) {
  using Algorithm = dnnl::algorithm;
  const auto append = [&ops](Algorithm algorithm, float alpha) {
    ops.append_eltwise(/*scale=*/1, algorithm, alpha, /*beta=*/0);
  };
  switch (activation) {
    case Activation::kGeluErf:
      return append(Algorithm::eltwise_gelu_erf, 0);
    case Activation::kGeluTanh:
      return append(Algorithm::eltwise_gelu_tanh, 0);
    case Activation::kQuickGelu:
      return append(Algorithm::eltwise_swish, 1.702F);  // x sigmoid(alpha x)
    case Activation::kRelu:
      return append(Algorithm::eltwise_relu, 0);
    case Activation::kSilu:
      return append(Algorithm::eltwise_swish, 1);
    case Activation::kTanh:
      return append(Algorithm::eltwise_tanh, 0);
    case Activation::kSigmoid:
      return append(Algorithm::eltwise_logistic, 0);
    case Activation::kIdentity:
      return;
  }
}

std::size_t ByteSize(Type type) { return type == Type::bf16 ? 2 : 4; }

// A failure here is a fault of this file or of oneDNN: every variant was compiled at load.
void Check(dnnl_status_t status, const char* what) {
  if (status == dnnl_success) return;
  std::fprintf(stderr, "oneDNN: %s failed with status %d\n", what, static_cast<int>(status));
  std::abort();
}

}  // namespace

absl::StatusOr<std::unique_ptr<MatmulPlan>> MatmulPlan::Create(const dnnl::engine& engine,
                                                               const MatmulShape& shape,
                                                               int threads) {
  // dnnl.hpp reports by exceptions; they end here.
  try {
    return std::unique_ptr<MatmulPlan>(new MatmulPlan(engine, shape, threads));
  } catch (const dnnl::error& error) {
    return absl::FailedPreconditionError(fmt::format(
        "oneDNN cannot make a {} matrix product of {} to {} columns on this CPU: {}",
        shape.in_type == Type::bf16 ? "bf16" : "fp32", shape.in, shape.out, error.what()));
  }
}

MatmulPlan::MatmulPlan(const dnnl::engine& engine, const MatmulShape& shape, int threads)
    : engine_(engine), shape_(shape) {
  {
    const OpenMpThreads one(1);
    const memory::desc any({shape.in, shape.out}, shape.in_type, Order::any);
    const dnnl::matmul::primitive_desc tile = Describe(kTileRows, any);
    weight_desc_ = tile.weights_desc();
    if (!std::string_view(tile.impl_info_str()).starts_with("brg")) row_multiple_ = 6;
    for (int rows = row_multiple_; rows <= kTileRows; rows += row_multiple_) {
      Compile(rows, threads, one_thread_);
    }
  }
  if (threads > 1 && row_multiple_ == 1) {
    const OpenMpThreads all(threads);
    // Half a tile a thread: with more rows, a tile for every thread is the better division.
    most_shared_rows_ = (threads * kTileRows / 2 + kTileRows - 1) / kTileRows * kTileRows;
    for (int rows = 1; rows <= kTileRows; ++rows) Compile(rows, 1, all_threads_);
    for (int rows = 2 * kTileRows; rows <= most_shared_rows_; rows += kTileRows) {
      Compile(rows, 1, all_threads_);
    }
  }
  for (int thread = 0; thread < threads; ++thread) {
    lanes_.push_back({dnnl::stream(engine), memory(scratch_desc_, engine),
                      Buffer<std::byte>(BytesIn(row_multiple_)),
                      Buffer<std::byte>(BytesOut(row_multiple_))});
  }
}

std::size_t MatmulPlan::BytesIn(int rows) const {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(shape_.in) *
         ByteSize(shape_.in_type);
}

std::size_t MatmulPlan::BytesOut(int rows) const {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(shape_.out) *
         ByteSize(shape_.out_type);
}

dnnl::matmul::primitive_desc MatmulPlan::Describe(int rows, const memory::desc& weight) const {
  const memory::desc x({rows, shape_.in}, shape_.in_type, Order::ab);
  const memory::desc y({rows, shape_.out}, shape_.out_type, Order::ab);
  const memory::desc bias({1, shape_.out}, Type::f32, Order::ab);
  dnnl::post_ops ops;
  AppendActivation(shape_.activation, ops);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return {dnnl::matmul::desc(x, weight, bias, y), attributes, engine_};
}

void MatmulPlan::Compile(int rows, int callers, std::vector<Variant>& variants) {
  const dnnl::matmul::primitive_desc description = Describe(rows, weight_desc_);
  Variant variant{dnnl::matmul(description), {}, {}};
  for (int caller = 0; caller < callers; ++caller) {
    variant.x.emplace_back(description.src_desc(), engine_, nullptr);
    variant.y.emplace_back(description.dst_desc(), engine_, nullptr);
  }
  const memory::desc scratch = description.scratchpad_desc();
  if (!scratch_desc_ || scratch.get_size() > scratch_desc_.get_size()) scratch_desc_ = scratch;
  variants.push_back(std::move(variant));
}

PackedWeights MatmulPlan::Pack(std::span<const float> weight, std::span<const float> bias) const {
  const OpenMpThreads one(1);
  dnnl::stream stream(engine_);
  // The file's (out, in) is (in, out) read by columns.
  const memory::desc columns({shape_.in, shape_.out}, Type::f32, Order::ba);
  const memory plain(columns, engine_, const_cast<float*>(weight.data()));
  PackedWeights packed{memory(weight_desc_, engine_),
                       memory({{1, shape_.out}, Type::f32, Order::ab}, engine_)};
  dnnl::reorder(plain, packed.weight).execute(stream, const_cast<memory&>(plain), packed.weight);
  auto* to = static_cast<float*>(packed.bias.get_data_handle());
  std::fill(to, to + shape_.out, 0.0F);
  std::copy(bias.begin(), bias.end(), to);
  return packed;
}

void MatmulPlan::Run(const PackedWeights& weights, Team team, int thread, int rows, const void* x,
                     void* y) const {
  const auto* from = static_cast<const std::byte*>(x);
  auto* to = static_cast<std::byte*>(y);
  const auto run = [&](const Variant& variant, int count) {
    RunVariant(variant, weights, thread, from, to);
    from += BytesIn(count);
    to += BytesOut(count);
    rows -= count;
  };
  if (team == Team::kAllThreads && !all_threads_.empty()) {
    while (rows >= kTileRows) {
      const int tiles = std::min(rows, most_shared_rows_) / kTileRows;
      run(all_threads_[static_cast<std::size_t>(kTileRows + tiles - 2)], tiles * kTileRows);
    }
    if (rows > 0) run(all_threads_[static_cast<std::size_t>(rows - 1)], rows);
    return;
  }
  // Part of oneDNN asks OpenMP for its threads at each call, and not only when it compiles.
  const OpenMpThreads one(1);
  while (rows >= row_multiple_) {
    const int groups = std::min(rows / row_multiple_, static_cast<int>(one_thread_.size()));
    run(one_thread_[static_cast<std::size_t>(groups - 1)], groups * row_multiple_);
  }
  if (rows > 0) RunTail(weights, thread, rows, from, to);
}

// Fewer rows than a group: the rest of the group is whatever was left of an earlier one.
void MatmulPlan::RunTail(const PackedWeights& weights, int thread, int rows, const std::byte* x,
                         std::byte* y) const {
  const Lane& lane = lanes_[static_cast<std::size_t>(thread)];
  std::copy(x, x + BytesIn(rows), lane.x.data());
  RunVariant(one_thread_.front(), weights, thread, lane.x.data(), lane.y.data());
  std::copy(lane.y.data(), lane.y.data() + BytesOut(rows), y);
}

void MatmulPlan::RunVariant(const Variant& variant, const PackedWeights& weights, int thread,
                            const void* x, void* y) const {
  const auto slot = static_cast<std::size_t>(thread);
  const Lane& lane = lanes_[slot];
  Check(dnnl_memory_set_data_handle(variant.x[slot].get(), const_cast<void*>(x)), "input");
  Check(dnnl_memory_set_data_handle(variant.y[slot].get(), y), "output");
  const std::array<dnnl_exec_arg_t, 5> arguments{{{DNNL_ARG_SRC, variant.x[slot].get()},
                                                  {DNNL_ARG_WEIGHTS, weights.weight.get()},
                                                  {DNNL_ARG_BIAS, weights.bias.get()},
                                                  {DNNL_ARG_DST, variant.y[slot].get()},
                                                  {DNNL_ARG_SCRATCHPAD, lane.scratch.get()}}};
  Check(dnnl_primitive_execute(variant.primitive.get(), lane.stream.get(),
                               static_cast<int>(arguments.size()), arguments.data()),
        "matmul");
}

}  // namespace embedserve
