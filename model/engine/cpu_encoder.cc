#include "model/engine/cpu_encoder.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/engine/attention.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

using Type = dnnl::memory::data_type;

std::size_t Size(int n) { return static_cast<std::size_t>(n); }

// Several (out, in) matrices with the same input, one below the other.
struct Stacked {
  std::vector<float> weight, bias;
};
Stacked Stack(std::initializer_list<const LinearWeights*> parts) {
  Stacked all;
  for (const LinearWeights* part : parts) {
    const std::size_t weights = all.weight.size();
    const std::size_t biases = all.bias.size();
    all.weight.resize(weights + part->weight.size());
    all.bias.resize(biases + part->bias.size());
    part->weight.ToFloat(0, std::span(all.weight).subspan(weights));
    part->bias.ToFloat(0, std::span(all.bias).subspan(biases));
  }
  return all;
}

PackedWeights PackStacked(const MatmulPlan& plan,
                          std::initializer_list<const LinearWeights*> parts) {
  const Stacked all = Stack(parts);
  return plan.Pack(all.weight, all.bias);
}

// Of sequence b.
QueryRange Wanted(const PackedBatch& batch, WantedRows rows, int b) {
  const int length = batch.offsets[Size(b) + 1] - batch.offsets[Size(b)];
  const int start = batch.pooling_start[Size(b)];
  switch (rows) {
    case WantedRows::kAll:
      return {0, length};
    case WantedRows::kFirstPooled:
      return {start, start + 1};
    case WantedRows::kLast:
      return {length - 1, length};
  }
  return {0, length};
}

// Row 0 of the token types is added to every token: once, here.
std::vector<float> PositionRows(const EncoderWeights& weights, std::size_t hidden) {
  std::vector<float> rows = weights.position_embeddings.ToFloat();
  if (!weights.type_embeddings) return rows;
  std::vector<float> type(hidden);
  weights.type_embeddings->ToFloat(0, type);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += type[i % hidden];
  return rows;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CpuEncoder>> CpuEncoder::Create(const dnnl::engine& engine,
                                                               const EncoderConfig& config,
                                                               const EncoderWeights& weights,
                                                               ComputeType type, int threads,
                                                               int most_tokens, WantedRows wanted) {
  const Type in = type == ComputeType::kBf16 ? Type::bf16 : Type::f32;
  const int h = config.hidden;
  const int f = config.feed_forward;
  const auto plan = [&](int from, int to, Activation activation, Type out) {
    return MatmulPlan::Create(engine, {from, to, activation, in, out}, threads);
  };
  Plans plans;
  ASSIGN_OR_RETURN(plans.qkv, plan(h, 3 * h, Activation::kIdentity, Type::f32));
  ASSIGN_OR_RETURN(plans.attention_output, plan(h, h, Activation::kIdentity, Type::f32));
  ASSIGN_OR_RETURN(plans.intermediate, plan(h, f, config.activation, in));
  ASSIGN_OR_RETURN(plans.output, plan(f, h, Activation::kIdentity, Type::f32));
  return std::unique_ptr<CpuEncoder>(
      new CpuEncoder(config, weights, type, threads, most_tokens, wanted, std::move(plans)));
}

CpuEncoder::CpuEncoder(const EncoderConfig& config, const EncoderWeights& weights, ComputeType type,
                       int threads, int most_tokens, WantedRows wanted, Plans plans)
    : config_(config),
      word_embeddings_(weights.word_embeddings),
      bf16_(type == ComputeType::kBf16),
      threads_(threads),
      wanted_(wanted),
      plans_(std::move(plans)),
      position_rows_(PositionRows(weights, Size(config.hidden))),
      embedding_norm_(weights.embedding_norm.weight, weights.embedding_norm.bias,
                      config.layer_norm_eps) {
  for (const LayerWeights& layer : weights.layers) layers_.push_back(Pack(layer));
  const std::size_t product = bf16_ ? sizeof(Bf16) : sizeof(float);
  for (int thread = 0; thread < threads; ++thread) {
    const int shared = thread == 0 ? plans_.qkv->most_shared_rows() : 0;
    const std::size_t rows = Size(std::max(shared, kTileRows));
    tiles_.push_back(
        {Buffer<float>(rows * Size(config.hidden)),
         Buffer<std::byte>(rows * Size(config.feed_forward) * product),
         Buffer<float>(AttentionScratch(config.MaxSequenceLength(), config.head_size))});
  }
  const std::size_t states = Size(most_tokens) * Size(config.hidden);
  hidden_ = Buffer<float>(states);
  if (bf16_) rounded_ = Buffer<Bf16>(states);
  qkv_ = Buffer<float>(3 * states);
  context_ = Buffer<std::byte>(states * product);
}

CpuEncoder::Layer CpuEncoder::Pack(const LayerWeights& layer) const {
  const float eps = config_.layer_norm_eps;
  return {PackStacked(*plans_.qkv, {&layer.query, &layer.key, &layer.value}),
          PackStacked(*plans_.attention_output, {&layer.attention_output}),
          PackStacked(*plans_.intermediate, {&layer.intermediate}),
          PackStacked(*plans_.output, {&layer.output}),
          LayerNorm(layer.attention_norm.weight, layer.attention_norm.bias, eps),
          LayerNorm(layer.output_norm.weight, layer.output_norm.bias, eps)};
}

std::size_t CpuEncoder::At(int row) const { return Size(row) * Size(config_.hidden); }

Bf16* CpuEncoder::Rounded(int row) const { return bf16_ ? rounded_.data() + At(row) : nullptr; }

const void* CpuEncoder::ProductInput(int row) const {
  if (bf16_) return Rounded(row);
  return hidden_.data() + At(row);
}

template <typename Function>
void CpuEncoder::ForRows(Team team, int first, int rows, Function function) const {
  if (team == Team::kOneThread) {
    for (int row = first; row < first + rows; ++row) function(row);
    return;
  }
#pragma omp parallel for num_threads(threads_) schedule(static)
  for (int row = first; row < first + rows; ++row) function(row);
}

const float* CpuEncoder::Run(const PackedBatch& batch) {
  RunTiles(batch, 0, batch.tokens());
  for (std::size_t layer = 1; layer < layers_.size(); ++layer) {
    RunAttention(batch, WantedRows::kAll);
    RunTiles(batch, layer, batch.tokens());
  }
  if (!layers_.empty()) RunAttention(batch, wanted_);
  if (wanted_ != WantedRows::kAll) GatherWanted(batch);
  const int rows = wanted_ == WantedRows::kAll ? batch.tokens() : batch.sequences();
  if (!layers_.empty()) RunTiles(batch, layers_.size(), rows);
  return hidden_.data();
}

void CpuEncoder::GatherWanted(const PackedBatch& batch) {
  const std::size_t bytes = Size(config_.hidden) * (bf16_ ? sizeof(Bf16) : sizeof(float));
  // Sequences are not empty, so that a row never moves behind one that is still to be read.
  for (int b = 0; b < batch.sequences(); ++b) {
    const int row = batch.offsets[Size(b)] - batch.offsets[0] + Wanted(batch, wanted_, b).begin;
    std::memmove(hidden_.data() + At(b), hidden_.data() + At(row),
                 Size(config_.hidden) * sizeof(float));
    std::memmove(context_.data() + Size(b) * bytes, context_.data() + Size(row) * bytes, bytes);
  }
}

void CpuEncoder::RunTiles(const PackedBatch& batch, std::size_t layer, int tokens) {
  if (tokens <= plans_.qkv->most_shared_rows()) {
    RunRows(batch, layer, 0, tokens, Team::kAllThreads, 0);
    return;
  }
  // Tiles of one size, as many as the threads divide evenly while there are few.
  int count = (tokens + kTileRows - 1) / kTileRows;
  if (count < 8 * threads_) count = (count + threads_ - 1) / threads_ * threads_;
  const int size = (tokens + count - 1) / count;
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
  for (int first = 0; first < tokens; first += size) {
    RunRows(batch, layer, first, std::min(size, tokens - first), Team::kOneThread,
            omp_get_thread_num());
  }
}

void CpuEncoder::RunRows(const PackedBatch& batch, std::size_t layer, int first, int rows,
                         Team team, int thread) {
  if (layer == 0) {
    ForRows(team, first, rows, [&](int row) { Embed(batch, row); });
  } else {
    FinishLayer(layers_[layer - 1], first, rows, team, thread);
  }
  if (layer == layers_.size()) return;
  plans_.qkv->Run(layers_[layer].qkv, team, thread, rows, ProductInput(first),
                  qkv_.data() + 3 * At(first));
}

void CpuEncoder::Embed(const PackedBatch& batch, int row) {
  const auto hidden = Size(config_.hidden);
  float* const state = hidden_.data() + At(row);
  word_embeddings_.ToFloat(At(batch.ids[Size(row)]), std::span(state, hidden));
  embedding_norm_.Apply(state, position_rows_.data() + At(batch.positions[Size(row)]), state,
                        Rounded(row));
}

void CpuEncoder::FinishLayer(const Layer& layer, int first, int rows, Team team, int thread) {
  const Tile& tile = tiles_[Size(thread)];
  float* const sum = tile.sum.data();
  const auto add_and_normalize = [&](const LayerNorm& norm) {
    ForRows(team, first, rows, [&](int row) {
      float* const state = hidden_.data() + At(row);
      norm.Apply(sum + At(row - first), state, state, Rounded(row));
    });
  };
  const std::size_t product = bf16_ ? sizeof(Bf16) : sizeof(float);
  plans_.attention_output->Run(layer.attention_output, team, thread, rows,
                               context_.data() + At(first) * product, sum);
  add_and_normalize(layer.attention_norm);
  plans_.intermediate->Run(layer.intermediate, team, thread, rows, ProductInput(first),
                           tile.intermediate.data());
  plans_.output->Run(layer.output, team, thread, rows, tile.intermediate.data(), sum);
  add_and_normalize(layer.output_norm);
}

void CpuEncoder::RunAttention(const PackedBatch& batch, WantedRows wanted) {
  const int heads = config_.heads;
  const int tasks = batch.sequences() * heads;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_size)));
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 4)
  for (int task = 0; task < tasks; ++task) {
    const auto sequence = Size(task / heads);
    const int first = batch.offsets[sequence] - batch.offsets[0];
    const int length = batch.offsets[sequence + 1] - batch.offsets[sequence];
    const std::size_t column = Size(task % heads) * Size(config_.head_size);
    const float* const query = qkv_.data() + 3 * At(first) + column;
    const HeadInput head{query,
                         query + config_.hidden,
                         query + 2 * Size(config_.hidden),
                         3 * Size(config_.hidden),
                         length,
                         config_.head_size,
                         scale};
    const QueryRange queries = Wanted(batch, wanted, task / heads);
    float* const scratch = tiles_[Size(omp_get_thread_num())].attention.data();
    const std::size_t out = At(first) + column;
    if (bf16_) {
      Attend(head, queries, scratch, reinterpret_cast<Bf16*>(context_.data()) + out,
             Size(config_.hidden));
    } else {
      Attend(head, queries, scratch, reinterpret_cast<float*>(context_.data()) + out,
             Size(config_.hidden));
    }
  }
}

}  // namespace embedserve
