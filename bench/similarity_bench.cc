// Scores on a GPU beside the host's, rows and scores on the host in both: one JSON line a shape
// with the medians in microseconds. The host uses one thread, as a request does.
//
//   similarity_bench [width]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "model/engine/cuda_scorer.h"
#include "model/similarity.h"

namespace embedserve {
namespace {

constexpr SimilarityFunction kFunction = SimilarityFunction::kCosine;

double MedianMicroseconds(const std::function<void()>& run) {
  constexpr int kRuns = 15;
  std::vector<double> times;
  run();
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  std::ranges::sort(times);
  return times[kRuns / 2];
}

std::vector<float> Rows(int rows, int width) {
  static std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
  for (float& value : values) value = normal(random);
  return values;
}

void Print(const char* form, int n, int m, int width, const std::function<void()>& on_host,
           const std::function<void()>& on_device) {
  const double host = MedianMicroseconds(on_host), device = MedianMicroseconds(on_device);
  std::printf(
      R"({"form": "%s", "rows": %d, "columns": %d, "width": %d, "host_us": %.1f, "device_us": %.1f})"
      "\n",
      form, n, m, width, host, device);
}

int Run(int width) {
  const auto made = NewCudaScorer(0, width);
  if (!made.ok()) {
    std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
    return 1;
  }
  Scorer* const scorer = made->get();
  for (const int n : {16, 32, 64, 128, 256, 512, 1024}) {
    const std::vector<float> a = Rows(n, width), b = Rows(n, width);
    Print(
        "pairs", n, 1, width, [&] { PairwiseSimilarity(kFunction, a, b, width); },
        [&] {
          std::vector<float> scores(static_cast<std::size_t>(n));
          if (!scorer->Pairs(kFunction, a, b, width, scores).ok()) std::abort();
        });
    Print(
        "matrix", n, n, width, [&] { SimilarityMatrix(kFunction, a, b, width); },
        [&] { SimilarityMatrix(kFunction, a, b, width, scorer); });
    Print(
        "best 10", n, n, width, [&] { BestMatches(kFunction, a, b, width, 10); },
        [&] { BestMatches(kFunction, a, b, width, 10, scorer); });
  }
  return 0;
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) { return embedserve::Run(argc > 1 ? std::atoi(argv[1]) : 768); }
