#include "model/engine/cuda_encoder.h"

#include <algorithm>

#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/small_gemm.h"

namespace embedserve {
namespace {

using kernels::ConstTensor;
using kernels::Tensor;

// Up to so many tokens the last layer's query is computed for all of them: a third more of a
// product in place of a gather and another product, 4 to 7 us of a pass up to 500 tokens on an H100
// and nothing at 900 and 1700.
constexpr int kMostWholeTokens = 512;

std::optional<kernels::PoolKind> OneRow(std::span<const kernels::PoolKind> kinds) {
  if (kinds.size() != 1) return std::nullopt;
  if (kinds[0] == kernels::PoolKind::kFirst || kinds[0] == kernels::PoolKind::kLast) {
    return kinds[0];
  }
  return std::nullopt;
}

}  // namespace

CudaActivations CudaActivations::Cut(kernels::Arena& arena, const EncoderConfig& config,
                                     kernels::DType type, int most_tokens) {
  return {.hidden = arena.TakeTensor(type, most_tokens, config.hidden),
          .context = arena.TakeTensor(type, most_tokens, config.hidden),
          .sum = arena.TakeTensor(type, most_tokens, config.hidden),
          .wide = arena.TakeTensor(type, most_tokens,
                                   std::max(3 * config.hidden, config.feed_forward))};
}

struct CudaEncoder::Pass {
  kernels::Stream& stream;
  const kernels::DeviceBuffer& workspace;
  const CudaInput& input;
  const CudaActivations& activations;
  Tensor pooled;

  Tensor Hidden(int rows) const { return activations.hidden.Rows(0, rows); }
  Tensor Context(int rows) const { return activations.context.Rows(0, rows); }
  Tensor Sum(int rows) const { return activations.sum.Rows(0, rows); }
  // The wide buffer as a dense matrix of fewer columns.
  Tensor Wide(int rows, int columns) const {
    return {activations.wide.data, activations.wide.type, rows, columns};
  }
  void Multiply(kernels::Gemm& gemm, ConstTensor x, ConstTensor w, ConstTensor bias,
                Tensor y) const {
    gemm.Run(stream, workspace, x, w, bias.data, y);
  }
};

// M rows each, but for a residual with rows of its own.
struct CudaEncoder::Rows {
  Tensor context;                     // of the attention
  Tensor product;                     // neither that nor the residual
  ConstTensor residual;               // the layer's input
  kernels::PooledRows residual_rows;  // for it
  Tensor middle;                      // after the attention's norm; may be `context`
  Tensor out;
};

CudaEncoder::CudaEncoder(kernels::Stream& stream, const kernels::GemmLibrary& library,
                         const kernels::DeviceBuffer& workspace, const EncoderConfig& config,
                         const CudaWeights& weights, kernels::DType type, int most_tokens,
                         std::span<const kernels::PoolKind> pooling)
    : config_(config),
      weights_(weights),
      pooling_(pooling.begin(), pooling.end()),
      one_row_(OneRow(pooling)),
      products_agree_(kernels::HasSmallGemm(stream, type, config.hidden, config.hidden)),
      qkv_(stream, library, workspace, {type, config.hidden, 3 * config.hidden, true}, most_tokens),
      attention_output_(stream, library, workspace, {type, config.hidden, config.hidden, false},
                        most_tokens),
      output_(stream, library, workspace, {type, config.feed_forward, config.hidden, false},
              most_tokens),
      gelu_(stream, type, config.hidden, config.feed_forward) {
  if (config.activation != Activation::kGeluErf || !gelu_.available()) {
    intermediate_.emplace(stream, library, workspace,
                          kernels::Gemm::Shape{type, config.hidden, config.feed_forward, true},
                          most_tokens);
  }
  if (!one_row_.has_value()) return;
  query_.emplace(stream, library, workspace,
                 kernels::Gemm::Shape{type, config.hidden, config.hidden, true}, most_tokens);
  key_value_.emplace(stream, library, workspace,
                     kernels::Gemm::Shape{type, config.hidden, 2 * config.hidden, true},
                     most_tokens);
}

std::size_t CudaEncoder::TrialBytes(const EncoderConfig& config, kernels::DType type,
                                    int most_tokens) {
  const int h = config.hidden, f = config.feed_forward;
  std::size_t most = 0;
  // The last layer's parts are smaller than the whole.
  for (const auto& [inputs, outputs] : {std::pair(h, 3 * h), {h, h}, {h, f}, {f, h}}) {
    most = std::max(most, kernels::Gemm::TrialBytes({type, inputs, outputs, true}, most_tokens));
  }
  return most;
}

void CudaEncoder::Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                      const CudaInput& input, const CudaActivations& activations, Tensor pooled) {
  const Pass pass{stream, workspace, input, activations, pooled};
  kernels::Embed(stream, weights_.embedding, input.ids, input.positions, pass.Hidden(input.tokens));
  for (const CudaLayer& layer : weights_.layers) {
    if (!one_row_.has_value() || &layer != &weights_.layers.back()) {
      RunLayer(pass, layer);
    } else if (products_agree_ && input.tokens <= kMostWholeTokens) {
      RunLastLayerWhole(pass, layer);
    } else {
      RunLastLayer(pass, layer);
    }
  }
  if (one_row_.has_value()) return;
  kernels::Pool(stream, pass.Hidden(input.tokens), input.sequences, pooling_, pooled);
}

void CudaEncoder::RunLayer(const Pass& pass, const CudaLayer& layer) {
  const int tokens = pass.input.tokens;
  const Tensor hidden = pass.Hidden(tokens), context = pass.Context(tokens);
  const Tensor qkv = pass.Wide(tokens, 3 * config_.hidden);
  pass.Multiply(qkv_, hidden, layer.qkv, layer.qkv_bias, qkv);
  kernels::Attention(pass.stream, qkv, config_.heads, pass.input.work, context);
  FinishLayer(pass, layer,
              {.context = context,
               .product = pass.Sum(tokens),
               .residual = hidden,
               .residual_rows = {},
               .middle = hidden,
               .out = hidden});
}

void CudaEncoder::RunLastLayer(const Pass& pass, const CudaLayer& layer) {
  const int tokens = pass.input.tokens, rows = pass.input.sequences.count, h = config_.hidden;
  const Tensor key_value = pass.Wide(tokens, 2 * h);
  const Tensor input_rows = pass.Sum(rows), query = pass.Context(rows);
  pass.Multiply(*key_value_, pass.Hidden(tokens), layer.qkv.Rows(h, 2 * h),
                layer.qkv_bias.Rows(1, 2), key_value);
  kernels::GatherRows(pass.stream, pass.Hidden(tokens), {pass.input.sequences, *one_row_},
                      input_rows);
  pass.Multiply(*query_, input_rows, layer.qkv.Rows(0, h), layer.qkv_bias.Rows(0, 1), query);
  // Nothing reads the old hidden rows any more, and after the attention nothing the query.
  const Tensor context = pass.Hidden(rows);
  kernels::AttentionOfOneQuery(pass.stream, query, {}, key_value, config_.heads, pass.input.work,
                               context);
  FinishLayer(pass, layer,
              {.context = context,
               .product = query,
               .residual = input_rows,
               .residual_rows = {},
               .middle = context,
               .out = pass.pooled});
}

void CudaEncoder::RunLastLayerWhole(const Pass& pass, const CudaLayer& layer) {
  const int tokens = pass.input.tokens, rows = pass.input.sequences.count;
  const kernels::PooledRows pooled_rows{pass.input.sequences, *one_row_};
  const Tensor hidden = pass.Hidden(tokens), context = pass.Context(rows);
  const Tensor qkv = pass.Wide(tokens, 3 * config_.hidden);
  pass.Multiply(qkv_, hidden, layer.qkv, layer.qkv_bias, qkv);
  kernels::AttentionOfOneQuery(pass.stream, qkv, pooled_rows, qkv, config_.heads, pass.input.work,
                               context);
  FinishLayer(pass, layer,
              {.context = context,
               .product = pass.Sum(rows),
               .residual = hidden,
               .residual_rows = pooled_rows,
               .middle = context,
               .out = pass.pooled});
}

void CudaEncoder::FinishLayer(const Pass& pass, const CudaLayer& layer, const Rows& rows) {
  const Tensor wide = pass.Wide(rows.context.rows, config_.feed_forward);
  pass.Multiply(attention_output_, rows.context, layer.attention_output, {}, rows.product);
  kernels::AddNorm(pass.stream, rows.product, layer.attention_output_bias, rows.residual,
                   layer.attention_norm, rows.middle, rows.residual_rows);
  if (intermediate_.has_value()) {
    pass.Multiply(*intermediate_, rows.middle, layer.intermediate, layer.intermediate_bias, wide);
    kernels::Activate(pass.stream, KernelActivation(config_.activation), wide);
  } else {
    gelu_.Run(pass.stream, rows.middle, layer.intermediate, layer.intermediate_bias.data, wide);
  }
  pass.Multiply(output_, wide, layer.output, {}, rows.product);
  kernels::AddNorm(pass.stream, rows.product, layer.output_bias, rows.middle, layer.output_norm,
                   rows.out);
}

}  // namespace embedserve
