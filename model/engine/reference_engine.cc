#include "model/engine/reference_engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"

namespace embedserve {
namespace {

// A row-major matrix.
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;

  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
  double& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }
  double operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
};

std::size_t Size(int n) { return static_cast<std::size_t>(n); }

double Activate(Activation activation, double x) {
  using std::numbers::inv_sqrtpi;
  using std::numbers::sqrt2;
  switch (activation) {
    case Activation::kGeluErf:
      return 0.5 * x * (1 + std::erf(x / sqrt2));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(sqrt2 * inv_sqrtpi * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kIdentity:
      return x;
  }
  return x;
}

// x W^T + b; no bias where `b` is empty.
Matrix Multiply(const Matrix& x, const TensorView& weight, std::span<const float> b) {
  const std::vector<float> w = weight.ToFloat();
  Matrix y(x.rows, w.size() / x.columns);
  for (std::size_t t = 0; t < y.rows; ++t) {
    for (std::size_t o = 0; o < y.columns; ++o) {
      double sum = b.empty() ? 0.0 : b[o];
      for (std::size_t i = 0; i < x.columns; ++i) sum += x(t, i) * w[o * x.columns + i];
      y(t, o) = sum;
    }
  }
  return y;
}

Matrix Multiply(const Matrix& x, const LinearWeights& linear) {
  return Multiply(x, linear.weight, linear.bias.ToFloat());
}

void Normalize(const TensorView& weight, const TensorView& bias, double eps, Matrix& x) {
  const std::vector<float> w = weight.ToFloat();
  const std::vector<float> b = bias.ToFloat();
  const auto n = static_cast<double>(x.columns);
  for (std::size_t t = 0; t < x.rows; ++t) {
    double mean = 0;
    for (std::size_t i = 0; i < x.columns; ++i) mean += x(t, i) / n;
    double variance = 0;
    for (std::size_t i = 0; i < x.columns; ++i) variance += std::pow(x(t, i) - mean, 2) / n;
    for (std::size_t i = 0; i < x.columns; ++i) {
      x(t, i) = (x(t, i) - mean) / std::sqrt(variance + eps) * w[i] + b[i];
    }
  }
}

void Add(const Matrix& other, Matrix& x) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += other.values[i];
}

Matrix Attention(const Matrix& q, const Matrix& k, const Matrix& v, std::size_t head_size) {
  Matrix out(q.rows, q.columns);
  std::vector<double> p(k.rows);
  for (std::size_t first = 0; first < q.columns; first += head_size) {
    for (std::size_t t = 0; t < q.rows; ++t) {
      for (std::size_t s = 0; s < k.rows; ++s) {
        p[s] = 0;
        for (std::size_t d = first; d < first + head_size; ++d) p[s] += q(t, d) * k(s, d);
        p[s] /= std::sqrt(static_cast<double>(head_size));
      }
      const double top = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (double& score : p) sum += score = std::exp(score - top);
      for (std::size_t s = 0; s < k.rows; ++s) {
        for (std::size_t d = first; d < first + head_size; ++d) out(t, d) += p[s] / sum * v(s, d);
      }
    }
  }
  return out;
}

Matrix Embed(const ModelFolder& folder, std::span<const int32_t> ids,
             std::span<const int32_t> positions) {
  const std::size_t hidden = Size(folder.encoder.hidden);
  const EncoderWeights& weights = folder.weights;
  Matrix x(ids.size(), hidden);
  std::vector<float> row(hidden);
  const auto add = [&](std::size_t t, const TensorView& table, int index) {
    table.ToFloat(Size(index) * hidden, row);
    for (std::size_t i = 0; i < hidden; ++i) x(t, i) += row[i];
  };
  for (std::size_t t = 0; t < ids.size(); ++t) {
    add(t, weights.word_embeddings, ids[t]);
    add(t, weights.position_embeddings, positions[t]);
    if (weights.type_embeddings) add(t, *weights.type_embeddings, 0);
  }
  return x;
}

Matrix Encode(const ModelFolder& folder, std::span<const int32_t> ids,
              std::span<const int32_t> positions) {
  const EncoderConfig& config = folder.encoder;
  const auto norm = [&](const LayerNormWeights& weights, Matrix& x) {
    Normalize(weights.weight, weights.bias, config.layer_norm_eps, x);
  };
  Matrix x = Embed(folder, ids, positions);
  norm(folder.weights.embedding_norm, x);
  for (const LayerWeights& layer : folder.weights.layers) {
    const Matrix heads = Attention(Multiply(x, layer.query), Multiply(x, layer.key),
                                   Multiply(x, layer.value), Size(config.head_size));
    Add(Multiply(heads, layer.attention_output), x);
    norm(layer.attention_norm, x);
    Matrix wide = Multiply(x, layer.intermediate);
    for (double& value : wide.values) value = Activate(config.activation, value);
    Add(Multiply(wide, layer.output), x);
    norm(layer.output_norm, x);
  }
  return x;
}

double PoolColumn(PoolingMode mode, const Matrix& x, std::size_t start, std::size_t column) {
  double sum = 0;
  double weights = 0;
  double top = x(start, column);
  for (std::size_t t = start; t < x.rows; ++t) {
    const double weight = mode == PoolingMode::kWeightedMean ? static_cast<double>(t + 1) : 1.0;
    sum += weight * x(t, column);
    weights += weight;
    top = std::max(top, x(t, column));
  }
  switch (mode) {
    case PoolingMode::kCls:
      return x(start, column);
    case PoolingMode::kMax:
      return top;
    case PoolingMode::kMean:
    case PoolingMode::kWeightedMean:
      return sum / weights;
    case PoolingMode::kMeanSqrtLen:
      return sum / std::sqrt(weights);
    case PoolingMode::kLastToken:
      return x(x.rows - 1, column);
  }
  return 0;
}

Matrix PoolAll(const PoolingConfig& config, const Matrix& x, int start) {
  Matrix pooled(1, 0);
  for (const PoolingMode mode : config.modes) {
    for (std::size_t i = 0; i < x.columns; ++i) {
      pooled.values.push_back(PoolColumn(mode, x, Size(start), i));
    }
  }
  pooled.columns = pooled.values.size();
  return pooled;
}

void Apply(const DenseModule& dense, Matrix& x) {
  const std::vector<float> bias = dense.bias ? dense.bias->ToFloat() : std::vector<float>{};
  Matrix y = Multiply(x, dense.weight, bias);
  for (double& value : y.values) value = Activate(dense.activation, value);
  if (dense.use_residual) Add(dense.residual ? Multiply(x, *dense.residual, {}) : x, y);
  x = y;
}
void Apply(const LayerNormModule& norm, Matrix& x) {
  Normalize(norm.weight, norm.bias, LayerNormModule::kEps, x);
}
void Apply(const NormalizeModule&, Matrix& x) {
  double squares = 0;
  for (const double value : x.values) squares += value * value;
  const double norm = std::max(std::sqrt(squares), double{NormalizeModule::kEps});
  for (double& value : x.values) value /= norm;
}

}  // namespace

std::vector<double> ReferenceEngine::Rows(const PackedBatch& batch) const {
  std::vector<double> rows;
  for (std::size_t b = 0; b < batch.pooling_start.size(); ++b) {
    const std::size_t first = Size(batch.offsets[b]);
    const std::size_t length = Size(batch.offsets[b + 1]) - first;
    const Matrix states =
        Encode(folder_, batch.ids.subspan(first, length), batch.positions.subspan(first, length));
    Matrix x = PoolAll(folder_.pooling, states, batch.pooling_start[b]);
    for (const HeadModule& module : folder_.head) {
      std::visit([&x](const auto& each) { Apply(each, x); }, module);
    }
    rows.insert(rows.end(), x.values.begin(), x.values.end());
  }
  return rows;
}

absl::Status ReferenceEngine::Submit(const PackedBatch& batch) {
  if (waiting_.size() == kMaxInFlight) {
    return absl::ResourceExhaustedError("two batches are in flight already; collect one first");
  }
  waiting_.push_back(batch);
  return absl::OkStatus();
}

absl::StatusOr<std::span<const float>> ReferenceEngine::Collect() {
  if (waiting_.empty()) return absl::FailedPreconditionError("no batch was submitted");
  const std::vector<double> exact = Rows(waiting_.front());
  waiting_.erase(waiting_.begin());
  rows_.resize(exact.size());
  std::transform(exact.begin(), exact.end(), rows_.begin(),
                 [](double value) { return static_cast<float>(value); });
  return rows_;
}

}  // namespace embedserve
