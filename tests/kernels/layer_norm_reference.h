// LayerNorm in double precision, and how far fp32 arithmetic may be from it.
#pragma once

#include <cmath>
#include <vector>

#include "tests/kernels/device_matrix.h"

namespace embedserve::kernels {

struct NormReference {
  std::vector<double> values;
  std::vector<double> bound;
};

// `x` (rows, columns) holds the exact sums that are normalised.
//
// Bound: the mean of n values, summed in fp32 by a lane of at most 94 and a butterfly of 5, is off
// by at most 99 u mean|x|; the same relative error holds for the variance and halves in its root;
// what is added up before (bias, residual) costs another 2 u |x|. With a margin for the rest:
// |error| <= 200 u (|gamma| (|x| + mean|x|) / sigma + |beta|) + roundoff |y|.
inline NormReference LayerNormReference(const std::vector<double>& x, int columns,
                                        const std::vector<double>& gamma,
                                        const std::vector<double>& beta, double eps, DType type) {
  NormReference out;
  const auto width = static_cast<std::size_t>(columns);
  for (std::size_t row = 0; row < x.size(); row += width) {
    double mean = 0, mean_abs = 0, variance = 0;
    for (std::size_t c = 0; c < width; ++c) mean += x[row + c] / columns;
    for (std::size_t c = 0; c < width; ++c) mean_abs += std::abs(x[row + c]) / columns;
    for (std::size_t c = 0; c < width; ++c) variance += std::pow(x[row + c] - mean, 2) / columns;
    const double sigma = std::sqrt(variance + eps);
    for (std::size_t c = 0; c < width; ++c) {
      const double y = (x[row + c] - mean) / sigma * gamma[c] + beta[c];
      out.values.push_back(y);
      out.bound.push_back(
          200 * kFp32Roundoff *
              (std::abs(gamma[c]) * (std::abs(x[row + c]) + mean_abs) / sigma + std::abs(beta[c])) +
          Roundoff(type) * std::abs(y) + kTiny);
    }
  }
  return out;
}

}  // namespace embedserve::kernels
