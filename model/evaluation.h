// The two evaluators of sentence-transformers 6.2 over pairs of embeddings: same metrics, same
// names, same order (semantics.md 8).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/folder/similarity_function.h"

namespace embedserve {

struct BinaryMetrics {
  double accuracy = 0;
  double accuracy_threshold = 0;  // an fp32 value, widened
  double f1 = 0;
  double f1_threshold = 0;  // an fp32 value, widened
  double precision = 0;     // at the best F1
  double recall = 0;        // at the best F1
  double ap = 0;            // average precision
  double mcc = 0;           // Matthews correlation at the threshold of the best F1
};

enum class Better { kLarger, kSmaller };  // similarities, distances

// scores (n) against labels (n), 1 = the pair matches. Pairs of equal score are told apart by no
// threshold and count as one group. n = 0 gives zeros.
BinaryMetrics ClassifyByThreshold(std::span<const float> scores, std::span<const uint8_t> labels,
                                  Better better);

// In double. NaN when a side is constant, as the reference.
double Pearson(std::span<const double> x, std::span<const double> y);
double Spearman(std::span<const double> x, std::span<const double> y);  // mean ranks for ties

// Rows a, b: (n, width). Distances go into it as positive numbers, lower is better, as the
// reference reports their thresholds.
struct Pairs {
  std::span<const float> a;
  std::span<const float> b;
  int width = 0;
};

struct Metric {
  std::string name;  // "cosine_ap"
  double value = 0;
};
struct Evaluation {
  std::vector<Metric> metrics;  // per function, then max_* where there are several functions
  std::string primary;          // the name of the metric that models are ranked by
};
Evaluation EvaluateBinary(std::span<const SimilarityFunction> functions, const Pairs& pairs,
                          std::span<const uint8_t> labels);
Evaluation EvaluateCorrelation(std::span<const SimilarityFunction> functions, const Pairs& pairs,
                               std::span<const double> gold);

// The table of a model card, 4 decimals, the primary metric in bold.
std::string MarkdownTable(const Evaluation& evaluation);
// One object, full precision; NaN is null.
std::string Json(const Evaluation& evaluation);

}  // namespace embedserve
