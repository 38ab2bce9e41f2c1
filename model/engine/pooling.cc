#include "model/engine/pooling.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "model/engine/simd.h"
#include "model/folder/pooling_config.h"

namespace embedserve {
namespace {

EMBEDSERVE_CLONES
void AddScaled(const float* x, float scale, std::size_t width, float* sum) {
#pragma omp simd
  for (std::size_t i = 0; i < width; ++i) sum[i] += scale * x[i];
}

EMBEDSERVE_CLONES
void Maximum(const float* x, std::size_t width, float* top) {
#pragma omp simd
  for (std::size_t i = 0; i < width; ++i) top[i] = x[i] > top[i] ? x[i] : top[i];
}

// sum over the pooled positions of weight(position) * h / divisor; fp32, in token order.
template <typename Weight>
void WeightedSum(const float* tokens, int length, int start, std::size_t width, Weight weight,
                 float divisor, float* out) {
  std::fill(out, out + width, 0.0F);
  for (int t = start; t < length; ++t) {
    AddScaled(tokens + static_cast<std::size_t>(t) * width, weight(t), width, out);
  }
  for (std::size_t i = 0; i < width; ++i) out[i] /= divisor;
}

}  // namespace

void Pool(const PoolingConfig& config, const float* tokens, int length, int start, int hidden,
          float* out) {
  const auto width = static_cast<std::size_t>(hidden);
  const auto row = [&](int t) { return tokens + static_cast<std::size_t>(t) * width; };
  const auto one = [](int) { return 1.0F; };
  const auto position = [](int t) { return static_cast<float>(t + 1); };
  const auto count = static_cast<float>(length - start);
  for (const PoolingMode mode : config.modes) {
    switch (mode) {
      case PoolingMode::kCls:
        std::copy(row(start), row(start) + width, out);
        break;
      case PoolingMode::kMax:
        std::copy(row(start), row(start) + width, out);
        for (int t = start + 1; t < length; ++t) Maximum(row(t), width, out);
        break;
      case PoolingMode::kMean:
        WeightedSum(tokens, length, start, width, one, count, out);
        break;
      case PoolingMode::kMeanSqrtLen:
        WeightedSum(tokens, length, start, width, one, std::sqrt(count), out);
        break;
      case PoolingMode::kWeightedMean: {
        float weights = 0;
        for (int t = start; t < length; ++t) weights += position(t);
        WeightedSum(tokens, length, start, width, position, weights, out);
        break;
      }
      case PoolingMode::kLastToken:
        std::copy(row(length - 1), row(length - 1) + width, out);
        break;
    }
    out += width;
  }
}

}  // namespace embedserve
