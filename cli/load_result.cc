#include "cli/load_result.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace embedserve {
namespace {

struct Figures {
  double texts_per_second, tokens_per_second, requests_per_second;
  double p50, p95, p99, max;  // milliseconds
  int64_t errors;
};

double PerSecond(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

Figures Compute(LoadResult& result) {
  std::vector<double>& sorted = result.latencies;
  std::sort(sorted.begin(), sorted.end());
  int64_t errors = 0;
  for (const auto& [code, count] : result.errors) errors += count;
  return {PerSecond(static_cast<double>(result.texts), result.seconds),
          PerSecond(static_cast<double>(result.tokens), result.seconds),
          PerSecond(static_cast<double>(sorted.size()), result.seconds),
          1e3 * Percentile(sorted, 0.50),
          1e3 * Percentile(sorted, 0.95),
          1e3 * Percentile(sorted, 0.99),
          1e3 * Percentile(sorted, 1),
          errors};
}

}  // namespace

void LoadResult::Add(const LoadResult& other) {
  seconds = std::max(seconds, other.seconds);
  texts += other.texts;
  tokens += other.tokens;
  latencies.insert(latencies.end(), other.latencies.begin(), other.latencies.end());
  for (const auto& [code, count] : other.errors) errors[code] += count;
}

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::string LoadTable(LoadResult& result) {
  const Figures f = Compute(result);
  std::string text = fmt::format(
      "measured     {:.2f} s, {} requests, {:.1f} a second\n"
      "sentences/s  {:.1f}\n"
      "tokens/s     {:.0f}\n"
      "latency ms   p50 {:.2f}  p95 {:.2f}  p99 {:.2f}  max {:.2f}\n"
      "errors       {}\n",
      result.seconds, result.latencies.size(), f.requests_per_second, f.texts_per_second,
      f.tokens_per_second, f.p50, f.p95, f.p99, f.max, f.errors);
  for (const auto& [code, count] : result.errors) text += fmt::format("  {} {}\n", code, count);
  return text;
}

std::string LoadJson(LoadResult& result) {
  const Figures f = Compute(result);
  std::string errors;
  for (const auto& [code, count] : result.errors) {
    errors += fmt::format("{}\"{}\": {}", errors.empty() ? "" : ", ", code, count);
  }
  return fmt::format(
      "{{\"seconds\": {}, \"requests\": {}, \"requests_per_second\": {}, "
      "\"sentences_per_second\": {}, \"tokens_per_second\": {}, \"p50_ms\": {}, \"p95_ms\": {}, "
      "\"p99_ms\": {}, \"max_ms\": {}, \"errors\": {{{}}}}}\n",
      result.seconds, result.latencies.size(), f.requests_per_second, f.texts_per_second,
      f.tokens_per_second, f.p50, f.p95, f.p99, f.max, errors);
}

}  // namespace embedserve
