// Each kernel beside its ceiling, at the shapes of a 6-layer RoBERTa on about 11 264 tokens (hidden
// 768, 12 heads of 64, feed-forward 3072, lengths of MRPC). One JSON object a line: microseconds
// (median, fastest, slowest group), bytes and their share of the copy speed measured in the same
// run, or TFLOP/s. Values are random; three sets of buffers take turns, so that nothing is found in
// the cache that the engine would not find there.
//
//   kernel_bench [tokens]
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "bench/device_timer.h"
#include "bench/mrpc_lengths.h"
#include "bench/row_variants.h"
#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/buffer.h"
#include "kernels/device.h"
#include "kernels/embedding.h"
#include "kernels/gelu_linear.h"
#include "kernels/gemm.h"
#include "kernels/norm.h"
#include "kernels/pooling.h"
#include "kernels/probe.h"
#include "kernels/similarity.h"

namespace embedserve {
namespace {

using kernels::DType;
using kernels::Tensor;

constexpr int kHidden = 768, kHeads = 12, kFeedForward = 3072, kVocabulary = 50265;
constexpr int kSets = 3;
constexpr DType kType = DType::kFp16;

class KernelBench {
 public:
  explicit KernelBench(int tokens);
  bool Run();

 private:
  // A matrix that differs from set to set.
  Tensor Take(int rows, int columns, DType type = kType) {
    buffers_.emplace_back(stream_, Tensor{nullptr, type, rows, columns}.bytes());
    const Tensor tensor{buffers_.back().data(), type, rows, columns};
    kernels::FillRandom(stream_, ++seed_, tensor);
    return tensor;
  }
  std::vector<Tensor> TakeSets(int rows, int columns, DType type = kType) {
    std::vector<Tensor> sets;
    sets.reserve(kSets);
    for (int i = 0; i < kSets; ++i) sets.push_back(Take(rows, columns, type));
    return sets;
  }
  template <class T>
  const T* Upload(const std::vector<T>& values) {
    buffers_.emplace_back(stream_, values.size() * sizeof(T));
    stream_.CopyToDevice(buffers_.back().data(), values.data(), buffers_.back().size());
    stream_.Synchronize();
    return reinterpret_cast<const T*>(buffers_.back().data());
  }
  DeviceTime Time(const std::function<void(std::size_t set)>& submit) {
    return TimeOnDevice(stream_, 15, 2 * kSets,
                        [&](int i) { submit(static_cast<std::size_t>(i % kSets)); });
  }
  void Print(const char* name, const DeviceTime& time, double bytes, double flops) const;
  void MeasureCopy();
  void Gemm(const char* name, int inputs, int outputs, bool bias);
  void MeasureGeluLinear();
  void MeasureSimilarity();
  // A candidate for a shipped kernel, and how many of its values have other bits than `expected`.
  void Try(const char* name, double bytes, Tensor expected, Tensor actual,
           const std::function<void(std::size_t set)>& submit);

  kernels::Stream stream_{0};
  int tokens_ = 0, sequences_ = 0;
  std::vector<int32_t> offsets_{0};
  std::vector<kernels::DeviceBuffer> buffers_;
  uint32_t seed_ = 0;
  double copy_bytes_a_microsecond_ = 1;
};

KernelBench::KernelBench(int tokens) {
  for (const int length : MrpcLengths(tokens)) {
    if (offsets_.back() + length > tokens) break;
    offsets_.push_back(offsets_.back() + length);
  }
  tokens_ = offsets_.back();
  sequences_ = static_cast<int>(offsets_.size()) - 1;
}

void KernelBench::Print(const char* name, const DeviceTime& time, double bytes,
                        double flops) const {
  std::printf(
      "{\"kernel\": \"%s\", \"tokens\": %d, \"us\": %.2f, \"us_low\": %.2f, \"us_high\": %.2f",
      name, tokens_, time.median, time.low, time.high);
  if (bytes > 0) {
    std::printf(", \"gb_per_s\": %.0f, \"share_of_copy\": %.3f", bytes / time.median / 1e3,
                bytes / time.median / copy_bytes_a_microsecond_);
  }
  if (flops > 0) std::printf(", \"tflop_per_s\": %.0f", flops / time.median / 1e6);
  std::printf("}\n");
}

// Read and written bytes of a copy far beyond the cache.
void KernelBench::MeasureCopy() {
  constexpr std::size_t kBytes = std::size_t{1} << 30;
  const kernels::DeviceBuffer from(stream_, kBytes), to(stream_, kBytes);
  kernels::FillRandom(stream_, 1, {from.data(), DType::kFp32, 1 << 14, 1 << 14});
  const DeviceTime time = TimeOnDevice(stream_, 9, 2, [&](int) {
    stream_.Check(
        cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice, stream_.get()),
        "copy");
  });
  copy_bytes_a_microsecond_ = 2.0 * kBytes / time.median;
  Print("copy of 1 GiB", time, 2.0 * kBytes, 0);
}

void KernelBench::Gemm(const char* name, int inputs, int outputs, bool bias) {
  const kernels::GemmLibrary library(stream_);
  const kernels::DeviceBuffer workspace(stream_, kernels::kGemmWorkspaceBytes);
  kernels::Gemm gemm(stream_, library, workspace, {kType, inputs, outputs, bias}, tokens_);
  const std::vector<Tensor> x = TakeSets(tokens_, inputs), w = TakeSets(outputs, inputs),
                            b = TakeSets(1, outputs), y = TakeSets(tokens_, outputs);
  const DeviceTime time = Time([&](std::size_t i) {
    gemm.Run(stream_, workspace, x[i], w[i], bias ? b[i].data : nullptr, y[i]);
  });
  Print(name, time, 0, 2.0 * tokens_ * inputs * outputs);
}

void KernelBench::MeasureGeluLinear() {
  const std::vector<Tensor> x = TakeSets(tokens_, kHidden), w = TakeSets(kFeedForward, kHidden),
                            b = TakeSets(1, kFeedForward), y = TakeSets(tokens_, kFeedForward);
  for (const auto form : {kernels::GeluLinearForm::kSm90, kernels::GeluLinearForm::kSm80}) {
    const kernels::GeluLinear gelu(stream_, kType, kHidden, kFeedForward, form);
    if (gelu.form() != form) continue;
    Print(form == kernels::GeluLinearForm::kSm90 ? "product feed-forward 1 with erf-GELU, wgmma"
                                                 : "product feed-forward 1 with erf-GELU, mma.sync",
          Time([&](std::size_t i) { gelu.Run(stream_, x[i], w[i], b[i].data, y[i]); }), 0,
          2.0 * tokens_ * kHidden * kFeedForward);
  }
}

// The most texts of a request by default, on each side. TFLOP/s: multiply and add of each term.
void KernelBench::MeasureSimilarity() {
  constexpr int kRows = 1024, kBest = 10;
  const std::vector<Tensor> a = TakeSets(kRows, kHidden, DType::kFp32),
                            b = TakeSets(kRows, kHidden, DType::kFp32),
                            scores = TakeSets(kRows, kRows, DType::kFp32);
  const Tensor best = Take(kRows, kBest, DType::kFp32), columns = Take(kRows, kBest, DType::kFp32);
  Print("cosine matrix of 1024 x 1024", Time([&](std::size_t i) {
          kernels::SimilarityMatrix(stream_, kernels::SimilarityKind::kCosine, a[i], b[i],
                                    scores[i]);
        }),
        0, 2.0 * kRows * kRows * kHidden);
  Print("best 10 of each of its rows", Time([&](std::size_t i) {
          kernels::BestOfEachRow(stream_, scores[i], best, static_cast<uint32_t*>(columns.data));
        }),
        4.0 * kRows * kRows, 0);
}

void KernelBench::Try(const char* name, double bytes, Tensor expected, Tensor actual,
                      const std::function<void(std::size_t set)>& submit) {
  Print(name, Time(submit), bytes, 0);
  const kernels::DeviceBuffer count(stream_, sizeof(unsigned));
  kernels::FillRandom(stream_, ++seed_, actual);
  submit(0);
  kernels::CountDifferences(stream_, expected, actual, reinterpret_cast<unsigned*>(count.data()));
  unsigned differences = 0;
  stream_.CopyToHost(&differences, count.data(), sizeof differences);
  stream_.Synchronize();
  std::printf("{\"kernel\": \"%s\", \"values_with_other_bits\": %u}\n", name, differences);
}

bool KernelBench::Run() {
  MeasureCopy();
  Gemm("product qkv", kHidden, 3 * kHidden, true);
  Gemm("product attention output", kHidden, kHidden, false);
  Gemm("product feed-forward 1", kHidden, kFeedForward, true);
  Gemm("product feed-forward 2", kFeedForward, kHidden, false);
  MeasureGeluLinear();
  MeasureSimilarity();
  buffers_.clear();

  const std::vector<Tensor> x = TakeSets(tokens_, kHidden), r = TakeSets(tokens_, kHidden),
                            out = TakeSets(tokens_, kHidden), qkv = TakeSets(tokens_, 3 * kHidden),
                            wide = TakeSets(tokens_, kFeedForward);
  const Tensor vectors = Take(3, kHidden, DType::kFp32);
  const auto* const bias = static_cast<const float*>(vectors.data);
  const kernels::LayerNormParameters norm{bias + kHidden, bias + std::ptrdiff_t{2} * kHidden,
                                          1e-5F};
  const double row = 2.0 * kHidden * tokens_;  // bytes of (T, H)
  Print("bias + residual + norm",
        Time([&](std::size_t i) { kernels::AddNorm(stream_, x[i], bias, r[i], norm, out[i]); }),
        3 * row, 0);
  const Tensor expected = Take(tokens_, kHidden);
  kernels::AddNorm(stream_, x[0], bias, r[0], norm, expected);
  for (const NormVariant& variant : NormVariants()) {
    Try(variant.name, 3 * row, expected, out[0],
        [&](std::size_t i) { variant.run(stream_, x[i], bias, r[i], norm, out[i]); });
  }
  Print("copy of (T, H)", Time([&](std::size_t i) {
          stream_.Check(cudaMemcpyAsync(out[i].data, x[i].data, x[i].bytes(),
                                        cudaMemcpyDeviceToDevice, stream_.get()),
                        "copy");
        }),
        2 * row, 0);
  Print("erf-GELU alone", Time([&](std::size_t i) {
          kernels::Activate(stream_, kernels::ActivationKind::kGeluErf, wide[i]);
        }),
        8 * row, 0);

  kernels::AttentionPlan plan;
  plan.Build(offsets_);
  const kernels::AttentionWork work{
      Upload(plan.short_items), static_cast<int>(plan.short_items.size()), Upload(plan.long_items),
      static_cast<int>(plan.long_items.size())};
  double pairs = 0;  // of query and key
  for (std::size_t b = 1; b < offsets_.size(); ++b) {
    pairs += static_cast<double>(offsets_[b] - offsets_[b - 1]) * (offsets_[b] - offsets_[b - 1]);
  }
  Print("attention",
        Time([&](std::size_t i) { kernels::Attention(stream_, qkv[i], kHeads, work, out[i]); }),
        4 * row, 4 * pairs * kHidden);

  const Tensor words = Take(kVocabulary, kHidden), positions = Take(514, kHidden);
  std::vector<int32_t> ids, rows;
  for (int t = 0; t < tokens_; ++t) {
    ids.push_back(static_cast<int32_t>((static_cast<int64_t>(t) * 7919) % kVocabulary));
    rows.push_back(2 + t % 40);
  }
  const int32_t* const device_ids = Upload(ids);
  const int32_t* const device_rows = Upload(rows);
  Print("embedding + norm", Time([&](std::size_t i) {
          kernels::Embed(stream_, {words, positions, norm}, device_ids, device_rows, out[i]);
        }),
        2 * row, 0);
  kernels::Embed(stream_, {words, positions, norm}, device_ids, device_rows, expected);
  for (const EmbedVariant& variant : EmbedVariants()) {
    Try(variant.name, 2 * row, expected, out[0], [&](std::size_t i) {
      variant.run(stream_, {words, positions, norm}, device_ids, device_rows, out[i]);
    });
  }

  const kernels::Sequences sequences{
      Upload(offsets_), Upload(std::vector<int32_t>(static_cast<std::size_t>(sequences_))),
      sequences_};
  const Tensor pooled = Take(sequences_, kHidden, DType::kFp32);
  const kernels::PoolKind mean[] = {kernels::PoolKind::kMean};
  Print("mean pooling",
        Time([&](std::size_t i) { kernels::Pool(stream_, x[i], sequences, mean, pooled); }), row,
        0);
  const Tensor expected_pool = Take(sequences_, kHidden, DType::kFp32);
  kernels::Pool(stream_, x[0], sequences, mean, expected_pool);
  for (const PoolVariant& variant : PoolVariants()) {
    Try(variant.name, row, expected_pool, pooled,
        [&](std::size_t i) { variant.run(stream_, x[i], sequences, pooled); });
  }
  if (!stream_.ok()) std::fprintf(stderr, "%s\n", stream_.error().c_str());
  return stream_.ok();
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  const auto answer = embedserve::kernels::AskDriver();
  if (const std::string reason = embedserve::kernels::WhyNoDevice(answer); !reason.empty()) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    return 1;
  }
  std::printf("{\"device\": \"%s\"}\n", answer.devices[0].name.c_str());
  embedserve::KernelBench bench(argc > 1 ? std::atoi(argv[1]) : 11264);
  return bench.Run() ? 0 : 1;
}
