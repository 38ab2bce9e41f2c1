#include "tests/model/engine/random_folder.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace embedserve {

RandomFolder::RandomFolder(EncoderConfig config, uint32_t seed) : random_(seed) {
  folder_.encoder = config;
  const int h = config.hidden;
  EncoderWeights& weights = folder_.weights;
  weights.word_embeddings = Tensor({config.vocabulary, h}, 1);
  weights.position_embeddings = Tensor({config.positions, h}, 0.5F);
  if (config.token_types > 0) weights.type_embeddings = Tensor({config.token_types, h}, 0.5F);
  weights.embedding_norm = Norm(h);
  for (int layer = 0; layer < config.layers; ++layer) {
    weights.layers.push_back({Linear(h, h), Linear(h, h), Linear(h, h), Linear(h, h), Norm(h),
                              Linear(config.feed_forward, h), Linear(h, config.feed_forward),
                              Norm(h)});
  }
  SetPooling({PoolingMode::kMean});
}

void RandomFolder::SetPooling(std::vector<PoolingMode> modes) {
  folder_.pooling.modes = std::move(modes);
  folder_.dimensions = static_cast<int>(folder_.pooling.modes.size()) * folder_.encoder.hidden;
}

void RandomFolder::AddDense(int out, Activation activation, bool bias, bool use_residual) {
  DenseModule dense;
  dense.in_features = folder_.dimensions;
  dense.out_features = out;
  dense.activation = activation;
  const float deviation = 1 / std::sqrt(static_cast<float>(dense.in_features));
  dense.weight = Tensor({out, dense.in_features}, deviation);
  if (bias) dense.bias = Tensor({out}, 0.1F);
  dense.use_residual = use_residual;
  if (use_residual && out != dense.in_features) {
    dense.residual = Tensor({out, dense.in_features}, deviation);
  }
  folder_.head.emplace_back(std::move(dense));
  folder_.dimensions = out;
}

void RandomFolder::AddLayerNorm() {
  const LayerNormWeights norm = Norm(folder_.dimensions);
  folder_.head.emplace_back(LayerNormModule{folder_.dimensions, norm.weight, norm.bias});
}

void RandomFolder::AddNormalize() { folder_.head.emplace_back(NormalizeModule{}); }

std::vector<int32_t> RandomFolder::Ids(int length) {
  std::uniform_int_distribution<int32_t> id(0, folder_.encoder.vocabulary - 1);
  std::vector<int32_t> ids;
  for (int i = 0; i < length; ++i) ids.push_back(id(random_));
  return ids;
}

TensorView RandomFolder::Tensor(std::vector<int64_t> shape, float deviation, float mean) {
  std::size_t size = 1;
  for (const int64_t n : shape) size *= static_cast<std::size_t>(n);
  std::normal_distribution<float> value(mean, deviation);
  std::vector<float>& values = tensors_.emplace_back(size);
  for (float& each : values) each = value(random_);
  return {"random", TensorType::kF32, std::move(shape), std::as_bytes(std::span(values))};
}

LinearWeights RandomFolder::Linear(int out, int in) {
  return {Tensor({out, in}, 1 / std::sqrt(static_cast<float>(in))), Tensor({out}, 0.1F)};
}

LayerNormWeights RandomFolder::Norm(int size) {
  return {Tensor({size}, 0.2F, 1), Tensor({size}, 0.2F)};
}

EncoderConfig OddEncoder() {
  EncoderConfig config;
  config.model_type = "bert";
  config.layers = 2;
  config.hidden = 30;
  config.heads = 3;
  config.head_size = 10;
  config.feed_forward = 71;
  config.vocabulary = 101;
  config.positions = 200;
  config.token_types = 2;
  config.layer_norm_eps = 1e-12F;
  return config;
}

EncoderConfig EvenEncoder() {
  EncoderConfig config = OddEncoder();
  config.hidden = 128;
  config.heads = 2;
  config.head_size = 64;
  config.feed_forward = 512;
  config.positions = 520;
  config.layer_norm_eps = 1e-5F;
  return config;
}

}  // namespace embedserve
