// The CPU engine beside its own ceiling: the matrix products of the same batch alone, through the
// same packed weights and in the same tiles, with nothing between them.
//
// Weights and ids are random (the speed does not depend on them); sequence lengths are those of
// MRPC, so a run needs no files. Counters: sentences a second, and GFLOP/s of the products.
#include <omp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/mrpc_lengths.h"
#include "benchmark/benchmark.h"
#include "dnnl.hpp"
#include "model/engine/cpu_engine.h"
#include "model/engine/matmul_plan.h"
#include "model/engine/openmp_spin.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

// all-MiniLM-L6-v2 and a 6-layer RoBERTa, with fewer vocabulary rows.
EncoderConfig Shape(bool minilm) {
  EncoderConfig config;
  config.model_type = "bert";
  config.layers = 6;
  config.hidden = minilm ? 384 : 768;
  config.heads = 12;
  config.head_size = config.hidden / 12;
  config.feed_forward = 4 * config.hidden;
  config.vocabulary = 2000;
  config.positions = 512;
  config.token_types = 2;
  config.layer_norm_eps = 1e-12F;
  return config;
}

RandomFolder& Folder(bool minilm) {
  static RandomFolder small(Shape(true));
  static RandomFolder large(Shape(false));
  return minilm ? small : large;
}

double ProductFlops(const EncoderConfig& config, int tokens) {
  const double h = config.hidden;
  return 2.0 * tokens * config.layers * (4 * h * h + 2 * h * config.feed_forward);
}

void Report(benchmark::State& state, const EncoderConfig& config, int sentences, int tokens) {
  using benchmark::Counter;
  state.counters["sentences/s"] =
      Counter(sentences, Counter::kIsIterationInvariantRate, Counter::kIs1000);
  state.counters["FLOP/s"] =
      Counter(ProductFlops(config, tokens), Counter::kIsIterationInvariantRate, Counter::kIs1000);
  state.counters["tokens"] = tokens;
}

void BM_Engine(benchmark::State& state, bool minilm, ComputeType type, int threads) {
  RandomFolder& model = Folder(minilm);
  BatchBuilder builder(model.folder().encoder);
  const int sentences = static_cast<int>(state.range(0));
  for (const int length : MrpcLengths(sentences)) builder.Add(model.Ids(length));
  EngineOptions options;
  options.threads = threads;
  options.compute_type = type;
  auto engine = NewCpuEngine(model.folder(), options);
  if (!engine.ok()) return state.SkipWithError(std::string(engine.status().message()).c_str());
  for (auto _ : state) {
    const bool submitted = (*engine)->Submit(builder.Batch()).ok();
    const auto rows = (*engine)->Collect();
    if (!submitted || !rows.ok()) return state.SkipWithError("the engine refused the batch");
    benchmark::DoNotOptimize(rows->data());
  }
  Report(state, model.folder().encoder, sentences, builder.tokens());
}

// One layer's four products, with weights of its own.
struct Products {
  std::array<std::unique_ptr<MatmulPlan>, 4> plans;
  std::vector<std::array<PackedWeights, 4>> layers;

  Products(const EncoderConfig& config, ComputeType type, int threads) {
    using Type = dnnl::memory::data_type;
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const Type in = type == ComputeType::kBf16 ? Type::bf16 : Type::f32;
    const int h = config.hidden;
    const int f = config.feed_forward;
    const std::array<MatmulShape, 4> shapes = {{{h, 3 * h, Activation::kIdentity, in, Type::f32},
                                                {h, h, Activation::kIdentity, in, Type::f32},
                                                {h, f, config.activation, in, in},
                                                {f, h, Activation::kIdentity, in, Type::f32}}};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      plans[i] = *MatmulPlan::Create(engine, shapes[i], threads);
    }
    layers.resize(static_cast<std::size_t>(config.layers));
    for (auto& layer : layers) {
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        const auto size =
            static_cast<std::size_t>(shapes[i].in) * static_cast<std::size_t>(shapes[i].out);
        layer[i] = plans[i]->Pack(std::vector<float>(size, 0.01F), {});
      }
    }
  }
};

void BM_Products(benchmark::State& state, bool minilm, ComputeType type, int threads) {
  const EncoderConfig config = Shape(minilm);
  const int sentences = static_cast<int>(state.range(0));
  int tokens = 0;
  for (const int length : MrpcLengths(sentences)) tokens += length;
  const Products products(config, type, threads);
  const auto values = static_cast<std::size_t>(std::max(tokens, kTileRows)) *
                      static_cast<std::size_t>(config.feed_forward);
  std::vector<float> x(values, 0.01F);
  std::vector<float> y(values);
  const auto run = [&](const std::array<PackedWeights, 4>& layer, Team team, int thread, int first,
                       int rows) {
    // Each thread's input and output stay where its last tile's were: in its cache.
    const std::size_t at =
        static_cast<std::size_t>(first) * static_cast<std::size_t>(config.hidden);
    for (std::size_t i = 0; i < layer.size(); ++i) {
      products.plans[i]->Run(layer[i], team, thread, rows, x.data() + at, y.data() + at);
    }
  };
  for (auto _ : state) {
    for (const auto& layer : products.layers) {
      if (tokens <= products.plans[0]->most_shared_rows()) {
        run(layer, Team::kAllThreads, 0, 0, tokens);
        continue;
      }
      const int count = (tokens + kTileRows - 1) / kTileRows;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
      for (int tile = 0; tile < count; ++tile) {
        const int thread = omp_get_thread_num();
        const int rows = std::min(kTileRows, tokens - tile * kTileRows);
        run(layer, Team::kOneThread, thread, thread * kTileRows, rows);
      }
    }
    benchmark::DoNotOptimize(y.data());
  }
  Report(state, config, sentences, tokens);
}

void Register() {
  for (const bool minilm : {true, false}) {
    for (const auto type : {ComputeType::kFp32, ComputeType::kBf16}) {
      if (type == ComputeType::kBf16 && !__builtin_cpu_supports("avx512bf16")) continue;
      for (const int threads : {1, 2}) {
        const std::string name = std::string(minilm ? "minilm" : "roberta6") + "/" +
                                 std::string(Name(type)) + "/threads:" + std::to_string(threads);
        for (const auto& [kind, function] :
             {std::pair("products/", &BM_Products), std::pair("engine/", &BM_Engine)}) {
          benchmark::RegisterBenchmark((kind + name).c_str(), function, minilm, type, threads)
              ->Arg(1)
              ->Arg(8)
              ->Arg(32)
              ->Arg(128)
              ->UseRealTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  embedserve::LimitOpenMpSpinning(argv);
  embedserve::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
