// The CUDA engine with random weights in the shape of a 6-layer RoBERTa (or MiniLM), on sequences
// with the lengths of MRPC. One JSON object a line.
//   "forward": the pass alone, ids on the device: CUDA events around it (a graph for small batches,
//              as the engine uses it), microseconds: median, fastest, slowest.
//   "engine":  Submit and Collect, ids and rows in host memory: one batch at a time for n = 1
//              (latency), two in flight otherwise (throughput), wall clock.
//
//   cuda_engine_bench [fp16|bf16|fp32] [cls|mean] [roberta|minilm] [counts=1,32]
//                     [forward | profile | devices=0,1]
// "counts" names the batches, by their sentences. "forward" leaves the engine out.
// "profile" runs one pass of one sentence between cudaProfilerStart and cudaProfilerStop and ends.
// "devices" measures engines alone, each with a thread of its own: on the first device, then on all
// at the same time, in turn.
#include <cuda_profiler_api.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "bench/device_timer.h"
#include "bench/first_device.h"
#include "bench/mrpc_lengths.h"
#include "kernels/graph.h"
#include "kernels/pooling.h"
#include "model/engine/cuda_budget.h"
#include "model/engine/cuda_encoder.h"
#include "model/engine/cuda_engine.h"
#include "model/engine/cuda_input.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

constexpr int kMostTokens = 131072, kMostSequences = 4096;

EncoderConfig Shape(bool minilm) {
  EncoderConfig config;
  config.model_type = minilm ? "bert" : "roberta";
  config.layers = 6;
  config.hidden = minilm ? 384 : 768;
  config.heads = 12;
  config.head_size = config.hidden / 12;
  config.feed_forward = 4 * config.hidden;
  config.vocabulary = minilm ? 30522 : 50265;
  config.positions = 514;
  config.token_types = 1;
  config.layer_norm_eps = 1e-5F;
  config.position_rule = PositionRule::kAfterPadding;
  config.pad_id = 1;
  return config;
}

double Flops(const EncoderConfig& config, int tokens) {
  const double h = config.hidden;
  return 2.0 * tokens * config.layers * (4 * h * h + 2 * h * config.feed_forward);
}

void Print(const char* what, const EncoderConfig& config, int sentences, int tokens,
           const DeviceTime& time) {
  std::printf(
      "{\"measured\": \"%s\", \"n\": %d, \"tokens\": %d, \"us\": %.1f, \"us_low\": %.1f, "
      "\"us_high\": %.1f, \"sentences_per_s\": %.0f, \"tflop_per_s\": %.0f}\n",
      what, sentences, tokens, time.median, time.low, time.high, sentences / time.median * 1e6,
      Flops(config, tokens) / time.median / 1e6);
  std::fflush(stdout);
}

BatchBuilder MakeBatch(RandomFolder& model, int sentences) {
  BatchBuilder builder(model.folder().encoder);
  for (const int length : MrpcLengths(sentences)) builder.Add(model.Ids(length));
  return builder;
}

// The encoder's pass on a stream of its own, without the engine around it.
bool MeasureForward(RandomFolder& model, ComputeType type, std::span<const int> counts,
                    bool profile) {
  const EncoderConfig& config = model.folder().encoder;
  kernels::Stream stream(0);
  const kernels::GemmLibrary library(stream);
  const kernels::DeviceBuffer workspace(stream, kernels::kGemmWorkspaceBytes);
  auto weights = CudaWeights::Load(stream, model.folder(), type);
  if (!weights.ok()) return false;
  const bool cls = model.folder().pooling.modes[0] == PoolingMode::kCls;
  const kernels::PoolKind pooling[] = {cls ? kernels::PoolKind::kFirst : kernels::PoolKind::kMean};
  CudaEncoder encoder(stream, library, workspace, config, *weights, StorageType(type), kMostTokens,
                      pooling);
  const CudaInputSize most = CudaInputSize::Most(kMostTokens, kMostSequences);
  CudaActivations activations;
  kernels::Tensor rows;
  std::byte* block = nullptr;
  const auto cut = [&](kernels::Arena& arena) {
    block = arena.Take(most.bytes());
    activations = CudaActivations::Cut(arena, config, StorageType(type), kMostTokens);
    rows = arena.TakeTensor(kernels::DType::kFp32, kMostSequences, config.hidden);
  };
  kernels::Arena measure(nullptr);
  cut(measure);
  const kernels::DeviceBuffer memory(stream, measure.used());
  kernels::Arena arena(memory.data());
  cut(arena);
  const kernels::PinnedBuffer pinned(stream, most.bytes());

  for (const int sentences : counts) {
    const BatchBuilder builder = MakeBatch(model, sentences);
    const PackedBatch batch = builder.Batch();
    kernels::AttentionPlan plan;
    plan.Build(batch.offsets);
    const CudaInputSize size = CudaInputSize::Of(batch, plan);
    WriteInput(batch, plan, size, pinned.data());
    stream.CopyToDevice(block, pinned.data(), size.bytes());
    const CudaInput input = InputAt(block, size);
    const auto submit = [&] {
      encoder.Run(stream, workspace, input, activations, rows.Rows(0, sentences));
    };
    submit();
    kernels::Graph graph;
    if (batch.tokens() <= MostGraphTokens(stream.multiprocessors())) {
      graph = kernels::Graph::Record(stream, submit);
    }
    stream.Synchronize();
    if (profile) {
      stream.Check(cudaProfilerStart(), "profiler");
      submit();
      stream.Synchronize();
      stream.Check(cudaProfilerStop(), "profiler");
      return stream.ok();
    }
    // Alone, not back to back: a chain of small passes overlaps.
    const DeviceTime time = TimeOnDevice(stream, 30, 1, [&](int) {
      if (graph.empty()) {
        submit();
      } else {
        graph.Launch(stream);
      }
    });
    Print("forward", config, sentences, batch.tokens(), time);
  }
  if (!stream.ok()) std::fprintf(stderr, "%s\n", stream.error().c_str());
  return stream.ok();
}

double MicrosecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

bool MeasureEngine(RandomFolder& model, ComputeType type, std::span<const int> counts) {
  const auto begin = std::chrono::steady_clock::now();
  auto engine = NewCudaEngine(model.folder(), 0,
                              {.compute_type = type,
                               .max_batch_tokens = kMostTokens,
                               .max_batch_sequences = kMostSequences});
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", std::string(engine.status().message()).c_str());
    return false;
  }
  std::printf("{\"measured\": \"start of the engine\", \"us\": %.0f}\n", MicrosecondsSince(begin));
  for (const int sentences : counts) {
    const BatchBuilder builder = MakeBatch(model, sentences);
    const PackedBatch batch = builder.Batch();
    const int in_flight = sentences == 1 ? 1 : Engine::kMaxInFlight;
    std::vector<double> times;
    double submitting = 0;
    int submitted = 0;
    for (int group = 0; group < 12; ++group) {
      constexpr int kRuns = 20;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kRuns + in_flight - 1; ++i) {
        const auto before = std::chrono::steady_clock::now();
        if (i < kRuns && !(*engine)->Submit(batch).ok()) return false;
        if (i < kRuns) submitting += MicrosecondsSince(before), ++submitted;
        if (i >= in_flight - 1 && !(*engine)->Collect().ok()) return false;
      }
      if (group >= 2) times.push_back(MicrosecondsSince(start) / kRuns);
    }
    std::ranges::sort(times);
    Print(in_flight == 1 ? "engine, one at a time" : "engine, two in flight",
          model.folder().encoder, sentences, batch.tokens(),
          {times[times.size() / 2], times.front(), times.back()});
    std::printf("{\"measured\": \"engine, host's time in Submit\", \"n\": %d, \"us\": %.1f}\n",
                sentences, submitting / submitted);
  }
  return true;
}

// Sentences a second of all engines together, two batches in flight in each.
double RateOfAll(std::span<const std::unique_ptr<Engine>> engines, const PackedBatch& batch) {
  constexpr double kSeconds = 1;
  std::atomic<int64_t> sentences{0};
  std::atomic<bool> ok{true};
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (const std::unique_ptr<Engine>& engine : engines) {
    threads.emplace_back([&] {
      ok = ok && engine->Submit(batch).ok();
      while (ok && MicrosecondsSince(start) < kSeconds * 1e6) {
        ok = ok && engine->Submit(batch).ok() && engine->Collect().ok();
        sentences += batch.sequences();
      }
      ok = ok && engine->Collect().ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return ok ? static_cast<double>(sentences) / MicrosecondsSince(start) * 1e6 : 0;
}

bool MeasureDevices(RandomFolder& model, ComputeType type, std::span<const int> ordinals) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const int ordinal : ordinals) {
    auto engine =
        NewCudaEngine(model.folder(), ordinal,
                      {.compute_type = type, .max_batch_tokens = 0, .max_batch_sequences = 1024});
    if (!engine.ok()) {
      std::fprintf(stderr, "%s\n", std::string(engine.status().message()).c_str());
      return false;
    }
    engines.push_back(*std::move(engine));
  }
  for (const int sentences : {64, 208, 417}) {
    const BatchBuilder builder = MakeBatch(model, sentences);
    const PackedBatch batch = builder.Batch();
    if (batch.tokens() > engines[0]->limits().tokens) continue;
    for (int round = 0; round < 3; ++round) {
      const double one = RateOfAll(std::span(engines).first(1), batch);
      const double all = RateOfAll(engines, batch);
      std::printf(
          "{\"measured\": \"devices\", \"n\": %d, \"tokens\": %d, \"sentences_per_s_of_one\": "
          "%.0f, \"devices\": %zu, \"sentences_per_s_of_all\": %.0f, \"ratio\": %.3f}\n",
          sentences, batch.tokens(), one, engines.size(), all, all / one);
      std::fflush(stdout);
    }
  }
  return true;
}

// "0,12" -> 0, 12.
std::vector<int> Numbers(const std::string& list) {
  std::vector<int> numbers;
  for (const absl::string_view number : absl::StrSplit(list, ',')) {
    int value = 0;
    if (absl::SimpleAtoi(number, &value)) numbers.push_back(value);
  }
  return numbers;
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  using namespace embedserve;  // NOLINT(google-build-using-namespace): main stands outside
  ComputeType type = ComputeType::kFp16;
  bool cls = true, minilm = false, profile = false, forward = false;
  std::vector<int> ordinals,
      counts = {1, 2, 4, 8, 16, 32, 48, 64, 100, 208, 300, 417, 1024, kMostSequences};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    for (const ComputeType each : {ComputeType::kFp32, ComputeType::kFp16, ComputeType::kBf16}) {
      if (argument == Name(each)) type = each;
    }
    if (argument == "mean") cls = false;
    if (argument == "minilm") minilm = true;
    if (argument == "profile") profile = true;
    if (argument == "forward") forward = true;
    if (argument.starts_with("devices=")) ordinals = Numbers(argv[i] + std::strlen("devices="));
    if (argument.starts_with("counts=")) counts = Numbers(argv[i] + std::strlen("counts="));
  }
  const std::optional<std::string> device = FirstDevice();
  if (!device.has_value()) return 1;
  std::printf("{\"device\": \"%s\", \"type\": \"%s\", \"pooling\": \"%s\", \"shape\": \"%s\"}\n",
              device->c_str(), std::string(Name(type)).c_str(), cls ? "cls" : "mean",
              minilm ? "MiniLM-L6" : "distilroberta");
  RandomFolder model(Shape(minilm));
  model.SetPooling({cls ? PoolingMode::kCls : PoolingMode::kMean});
  if (!ordinals.empty()) return MeasureDevices(model, type, ordinals) ? 0 : 1;
  if (!MeasureForward(model, type, counts, profile)) return 1;
  return profile || forward || MeasureEngine(model, type, counts) ? 0 : 1;
}
