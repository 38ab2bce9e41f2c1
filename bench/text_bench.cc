// Texts to finished embeddings in one process, as compare_cpu.py measures sentence-transformers'
// encode(): tokenize, encode, pool, normalise. Prints one JSON object.
//
//   text_bench MODEL_DIR TEXTS_FILE DTYPE THREADS SECONDS
//
// TEXTS_FILE holds one text a line. Throughput: all texts in one call, again and again for SECONDS;
// latency: one text a call, likewise.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "model/engine/l2_normalize.h"
#include "model/engine/openmp_spin.h"
#include "model/model.h"
#include "model/text_encoder.h"

namespace embedserve {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// Not getrusage's: that begins with the peak of the process which started this one.
double PeakResidentMegabytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kibibytes = 0;
  while (status >> word) {
    if (word == "VmHWM:" && status >> kibibytes) break;
  }
  return kibibytes * 1024 / 1e6;
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  fmt::print(stderr, "text_bench: {}\n", std::string(value.status().message()));
  std::exit(1);
}

ComputeType TypeFromName(std::string_view name) {
  for (const ComputeType type : {ComputeType::kFp32, ComputeType::kFp16, ComputeType::kBf16}) {
    if (Name(type) == name) return type;
  }
  fmt::print(stderr, "text_bench: '{}' is no compute type: fp32, fp16, bf16\n", name);
  std::exit(1);
}

// Seconds of each call of `run`, for `seconds` and at least 3 calls after one that warms up.
template <typename Function>
std::vector<double> Time(double seconds, Function run) {
  run();
  std::vector<double> times;
  const auto start = Clock::now();
  while (times.size() < 3 || Seconds(start) < seconds) {
    const auto call = Clock::now();
    run();
    times.push_back(Seconds(call));
  }
  std::sort(times.begin(), times.end());
  return times;
}

int Main(std::span<char*> arguments) {
  if (arguments.size() != 6) {
    fmt::print(stderr, "usage: text_bench MODEL_DIR TEXTS_FILE DTYPE THREADS SECONDS\n");
    return 1;
  }
  std::vector<std::string> lines;
  std::ifstream file(arguments[2]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  EngineOptions options;
  options.compute_type = TypeFromName(arguments[3]);
  options.threads = std::atoi(arguments[4]);
  const double seconds = std::atof(arguments[5]);

  const auto load = Clock::now();
  const auto model = OrDie(Model::Load(arguments[1]));
  const auto engine = OrDie(model->NewEngine("cpu", options));
  const double load_seconds = Seconds(load);
  TextEncoder encoder(*model, *engine);
  const auto width = static_cast<std::size_t>(engine->width());
  int64_t tokens = 0;
  const auto encode = [&](std::span<const std::string_view> some) {
    EncodedTexts encoded = OrDie(encoder.Encode(some, ""));
    for (std::size_t i = 0; i < some.size(); ++i) {
      L2Normalize(std::span(encoded.rows).subspan(i * width, width));
    }
    tokens = 0;
    for (const int32_t count : encoded.tokens) tokens += count;
  };

  const std::vector<double> whole = Time(seconds, [&] { encode(texts); });
  const int64_t all_tokens = tokens;
  std::size_t next = 0;
  const std::vector<double> single =
      Time(seconds, [&] { encode(std::span(texts).subspan(next++ % texts.size(), 1)); });
  fmt::print(
      "{{\"dtype\": \"{}\", \"threads\": {}, \"texts\": {}, \"tokens\": {}, "
      "\"load_seconds\": {:.3f}, \"sentences_per_second\": {:.1f}, "
      "\"best_sentences_per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
      "\"peak_resident_mb\": {:.0f}}}\n",
      arguments[3], options.threads, texts.size(), all_tokens, load_seconds,
      static_cast<double>(texts.size()) / whole[whole.size() / 2],
      static_cast<double>(texts.size()) / whole.front(), single[single.size() / 2] * 1e3,
      single[single.size() * 99 / 100] * 1e3, PeakResidentMegabytes());
  return 0;
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  embedserve::LimitOpenMpSpinning(argv);
  return embedserve::Main({argv, static_cast<std::size_t>(argc)});
}
