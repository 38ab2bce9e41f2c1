#include "model/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fmt/format.h"
#include "model/similarity.h"

namespace embedserve {
namespace {

struct ScoredPair {
  float score;
  bool positive;
};

// All pairs down to and including one group of equal scores: what a threshold there predicts as
// matching.
struct Cut {
  float threshold;
  std::size_t pairs;
  std::size_t positives;
};

std::vector<ScoredPair> BestFirst(std::span<const float> scores, std::span<const uint8_t> labels,
                                  Better better) {
  std::vector<ScoredPair> ranked(scores.size());
  for (std::size_t i = 0; i < ranked.size(); ++i) ranked[i] = {scores[i], labels[i] != 0};
  std::stable_sort(ranked.begin(), ranked.end(), [better](const auto& x, const auto& y) {
    return better == Better::kLarger ? x.score > y.score : x.score < y.score;
  });
  return ranked;
}

// The threshold lies halfway to the next group, computed in fp32; where that rounds onto the next
// group, which it would let in, and after the last one, it is the group's own score.
std::vector<Cut> Cuts(std::span<const ScoredPair> ranked) {
  std::vector<Cut> cuts;
  std::size_t positives = 0;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    if (ranked[i].positive) ++positives;
    const float score = ranked[i].score;
    float threshold = score;
    if (i + 1 < ranked.size()) {
      const float next = ranked[i + 1].score;
      if (next == score) continue;
      const float halfway = (score + next) / 2;
      if (halfway != next) threshold = halfway;
    }
    cuts.push_back({threshold, i + 1, positives});
  }
  return cuts;
}

double Ratio(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Starts from "none matches", whose threshold is the fp32 neighbour beyond the best score.
void BestAccuracy(std::span<const Cut> cuts, float best_score, Better better, BinaryMetrics& out) {
  const std::size_t n = cuts.back().pairs;
  const std::size_t negatives = n - cuts.back().positives;
  const float beyond = std::numeric_limits<float>::infinity();
  out.accuracy = Ratio(negatives, n);
  out.accuracy_threshold = std::nextafter(best_score, better == Better::kLarger ? beyond : -beyond);
  for (const Cut& cut : cuts) {
    const std::size_t negatives_left = negatives - (cut.pairs - cut.positives);
    const double accuracy = Ratio(cut.positives + negatives_left, n);
    if (accuracy <= out.accuracy) continue;
    out.accuracy = accuracy;
    out.accuracy_threshold = cut.threshold;
  }
}

void BestF1(std::span<const Cut> cuts, BinaryMetrics& out) {
  for (const Cut& cut : cuts) {
    if (cut.positives == 0) continue;
    const double precision = Ratio(cut.positives, cut.pairs);
    const double recall = Ratio(cut.positives, cuts.back().positives);
    const double f1 = 2 * precision * recall / (precision + recall);
    if (f1 <= out.f1) continue;
    out.f1 = f1;
    out.f1_threshold = cut.threshold;
    out.precision = precision;
    out.recall = recall;
  }
}

double AveragePrecision(std::span<const Cut> cuts) {
  double sum = 0;
  std::size_t before = 0;
  for (const Cut& cut : cuts) {
    if (cut.positives == before) continue;
    sum += Ratio(cut.positives - before, cuts.back().positives) * Ratio(cut.positives, cut.pairs);
    before = cut.positives;
  }
  return sum;
}

double MatthewsCorrelation(std::span<const ScoredPair> ranked, float threshold, Better better) {
  double tp = 0, fp = 0, fn = 0, tn = 0;
  for (const ScoredPair& pair : ranked) {
    const bool matches =
        better == Better::kLarger ? pair.score >= threshold : pair.score <= threshold;
    (pair.positive ? (matches ? tp : fn) : (matches ? fp : tn)) += 1;
  }
  const double margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
  return margins == 0 ? 0 : (tp * tn - fp * fn) / std::sqrt(margins);
}

// Rank of each value, from 1; equal values share the mean of their ranks.
std::vector<double> MeanRanks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [values](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double rank = static_cast<double>(first + 1 + last) / 2;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

std::vector<double> Centred(std::span<const double> values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<double> out(values.begin(), values.end());
  for (double& value : out) value -= mean;
  return out;
}

Better BetterScores(SimilarityFunction function) {
  switch (function) {
    case SimilarityFunction::kCosine:
    case SimilarityFunction::kDot:
      return Better::kLarger;
    case SimilarityFunction::kEuclidean:
    case SimilarityFunction::kManhattan:
      return Better::kSmaller;
  }
  return Better::kLarger;
}

std::vector<float> Scores(SimilarityFunction function, const Pairs& pairs) {
  return PairwiseSimilarity(function, pairs.a, pairs.b, pairs.width, CosineRange::kAsSummed);
}

// max_*: the plain maximum over the functions, of thresholds too. `naming` puts a key and a
// function's name (or "max") together.
template <typename Naming>
void AppendMaxima(std::span<const std::string_view> keys, std::size_t functions, Naming naming,
                  std::vector<Metric>& metrics) {
  for (std::size_t k = 0; k < keys.size(); ++k) {
    double best = metrics[k].value;
    for (std::size_t f = 1; f < functions; ++f) {
      best = std::max(best, metrics[f * keys.size() + k].value);
    }
    metrics.push_back({naming("max", keys[k]), best});
  }
}

}  // namespace

BinaryMetrics ClassifyByThreshold(std::span<const float> scores, std::span<const uint8_t> labels,
                                  Better better) {
  BinaryMetrics out;
  if (scores.empty()) return out;
  const std::vector<ScoredPair> ranked = BestFirst(scores, labels, better);
  const std::vector<Cut> cuts = Cuts(ranked);
  BestAccuracy(cuts, ranked.front().score, better, out);
  BestF1(cuts, out);
  out.ap = AveragePrecision(cuts);
  out.mcc = MatthewsCorrelation(ranked, static_cast<float>(out.f1_threshold), better);
  return out;
}

double Pearson(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> u = Centred(x);
  const std::vector<double> v = Centred(y);
  const double uv = std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  const double uu = std::inner_product(u.begin(), u.end(), u.begin(), 0.0);
  const double vv = std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
  if (uu == 0 || vv == 0) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(uv / (std::sqrt(uu) * std::sqrt(vv)), -1.0, 1.0);
}

double Spearman(std::span<const double> x, std::span<const double> y) {
  return Pearson(MeanRanks(x), MeanRanks(y));
}

Evaluation EvaluateBinary(std::span<const SimilarityFunction> functions, const Pairs& pairs,
                          std::span<const uint8_t> labels) {
  constexpr std::string_view kKeys[] = {
      "accuracy", "accuracy_threshold", "f1", "f1_threshold", "precision", "recall", "ap", "mcc"};
  const auto naming = [](std::string_view function, std::string_view key) {
    return fmt::format("{}_{}", function, key);
  };
  Evaluation out;
  for (const SimilarityFunction function : functions) {
    const Better better = BetterScores(function);
    std::vector<float> scores = Scores(function, pairs);
    if (better == Better::kSmaller) {
      for (float& score : scores) score = -score;  // back to a distance
    }
    const BinaryMetrics m = ClassifyByThreshold(scores, labels, better);
    const double values[] = {
        m.accuracy, m.accuracy_threshold, m.f1, m.f1_threshold, m.precision, m.recall, m.ap, m.mcc};
    for (std::size_t k = 0; k < std::size(kKeys); ++k) {
      out.metrics.push_back({naming(Name(function), kKeys[k]), values[k]});
    }
  }
  if (functions.size() > 1) AppendMaxima(kKeys, functions.size(), naming, out.metrics);
  out.primary = naming(functions.size() > 1 ? "max" : Name(functions.front()), "ap");
  return out;
}

Evaluation EvaluateCorrelation(std::span<const SimilarityFunction> functions, const Pairs& pairs,
                               std::span<const double> gold) {
  constexpr std::string_view kKeys[] = {"pearson", "spearman"};
  const auto naming = [](std::string_view function, std::string_view key) {
    return fmt::format("{}_{}", key, function);
  };
  Evaluation out;
  for (const SimilarityFunction function : functions) {
    const std::vector<float> scores = Scores(function, pairs);
    const std::vector<double> widened(scores.begin(), scores.end());
    out.metrics.push_back({naming(Name(function), kKeys[0]), Pearson(gold, widened)});
    out.metrics.push_back({naming(Name(function), kKeys[1]), Spearman(gold, widened)});
  }
  if (functions.size() > 1) {
    const auto max_naming = [](std::string_view, std::string_view key) {
      return fmt::format("{}_max", key);
    };
    AppendMaxima(kKeys, functions.size(), max_naming, out.metrics);
  }
  out.primary = naming(functions.size() > 1 ? "max" : Name(functions.front()), "spearman");
  return out;
}

std::string MarkdownTable(const Evaluation& evaluation) {
  std::vector<std::pair<std::string, std::string>> lines = {{"Metric", "Value"}};
  std::size_t left = 0, right = 0;
  for (const Metric& metric : evaluation.metrics) {
    const std::string_view mark = metric.name == evaluation.primary ? "**" : "";
    lines.emplace_back(fmt::format("{0}{1}{0}", mark, metric.name),
                       fmt::format("{0}{1:.4f}{0}", mark, metric.value));
  }
  for (const auto& [name, value] : lines) {
    left = std::max(left, name.size());
    right = std::max(right, value.size());
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += fmt::format("| {:<{}} | {:<{}} |\n", lines[i].first, left, lines[i].second, right);
    if (i == 0) out += fmt::format("|:{:-<{}}|:{:-<{}}|\n", "", left + 1, "", right + 1);
  }
  return out;
}

std::string Json(const Evaluation& evaluation) {
  std::string out = "{";
  for (const Metric& metric : evaluation.metrics) {
    out += fmt::format("{}\"{}\": {}", out.size() > 1 ? ", " : "", metric.name,
                       std::isnan(metric.value) ? "null" : fmt::format("{}", metric.value));
  }
  return out + "}";
}

}  // namespace embedserve
