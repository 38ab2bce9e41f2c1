// Each kernel beside its ceiling, at the shapes of distilroberta (hidden 768, 12 heads of 64,
// feed-forward 3072) or of all-MiniLM-L6 (384, 12 of 32, 1536). One JSON object a line:
// microseconds of one run inside a CUDA graph (median, fastest, slowest group), and as far as they
// apply
//   share_of_copy       bytes moved a second, of those of a copy of 1 GiB in the same run
//   share_of_ceiling    its time against the time of a kernel that reads and writes the same bytes
//                       and does nothing else ("nothing else" rows), ramp and tail included
//   share_of_cublaslt   its time against the fastest plan that cuBLASLt offers for the product
//                       without its activation, plans that sum in another order included
//   share_of_peak       TFLOP/s, of those of a product of 8192 x 8192 x 8192 in the same run
// Values are random; three sets of buffers take turns, so that nothing is found in the cache that
// the engine would not find there.
//
//   kernel_bench [TOKENS] [fp16|bf16|fp32] [minilm] [length=TOKENS] [rows]
// Sequences have the lengths of MRPC, or all one length. "rows": not the products.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/device_timer.h"
#include "bench/first_device.h"
#include "bench/lt_product.h"
#include "bench/mrpc_lengths.h"
#include "bench/row_ceilings.h"
#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/buffer.h"
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

constexpr int kHeads = 12, kVocabulary = 50265;
constexpr int kSets = 3;

const char* Name(DType type) {
  return type == DType::kFp32 ? "fp32" : type == DType::kFp16 ? "fp16" : "bf16";
}

// What a row of the table says beside its time.
struct Work {
  double bytes = 0;                // read and written, those of repeated rows once
  double flops = 0;                // a multiplication and an addition each
  std::optional<double> ceiling;   // microseconds
  std::optional<double> cublaslt;  // microseconds
};

class KernelBench {
 public:
  KernelBench(DType type, int hidden, const std::vector<int>& lengths, int tokens);
  bool Run(bool products);

 private:
  // A matrix that differs from set to set.
  Tensor Take(int rows, int columns, DType type) {
    buffers_.emplace_back(stream_, Tensor{nullptr, type, rows, columns}.bytes());
    const Tensor tensor{buffers_.back().data(), type, rows, columns};
    kernels::FillRandom(stream_, ++seed_, tensor);
    return tensor;
  }
  std::vector<Tensor> TakeSets(int rows, int columns, DType type) {
    std::vector<Tensor> sets;
    sets.reserve(kSets);
    for (int i = 0; i < kSets; ++i) sets.push_back(Take(rows, columns, type));
    return sets;
  }
  std::vector<Tensor> TakeSets(int rows, int columns) { return TakeSets(rows, columns, type_); }
  template <class T>
  const T* Upload(const std::vector<T>& values) {
    buffers_.emplace_back(stream_, std::max<std::size_t>(1, values.size()) * sizeof(T));
    stream_.CopyToDevice(buffers_.back().data(), values.data(), values.size() * sizeof(T));
    stream_.Synchronize();
    return reinterpret_cast<const T*>(buffers_.back().data());
  }
  DeviceTime Time(const std::function<void(std::size_t set)>& submit) {
    return TimeInGraph(stream_, 15, 10 * kSets,
                       [&](int i) { submit(static_cast<std::size_t>(i % kSets)); });
  }
  double Print(const char* name, const DeviceTime& time, const Work& work) const;
  void MeasureCopy();
  void MeasurePeak();
  // All of its arguments must outlive what it returns.
  std::function<void(int run)> FastestOfCublasLt(LtProduct& product, const std::vector<Tensor>& x,
                                                 const std::vector<Tensor>& w,
                                                 const std::vector<Tensor>& y);
  void MeasureProduct(const char* name, int inputs, int outputs, bool bias);
  void MeasureRows();
  void MeasureAttention();
  void MeasureEmbedding();
  void MeasurePooling();
  void MeasureSimilarity();

  kernels::Stream stream_{0};
  const kernels::GemmLibrary library_{stream_};
  const kernels::DeviceBuffer workspace_{stream_, kernels::kGemmWorkspaceBytes};
  DType type_;
  int hidden_, feed_forward_;
  int tokens_ = 0, sequences_ = 0;
  std::vector<int32_t> offsets_{0};
  std::vector<kernels::DeviceBuffer> buffers_;
  uint32_t seed_ = 0;
  double copy_bytes_a_microsecond_ = 1, peak_flops_a_microsecond_ = 1;
};

KernelBench::KernelBench(DType type, int hidden, const std::vector<int>& lengths, int tokens)
    : type_(type), hidden_(hidden), feed_forward_(4 * hidden) {
  for (const int length : lengths) {
    if (offsets_.back() + length > tokens) break;
    offsets_.push_back(offsets_.back() + length);
  }
  tokens_ = offsets_.back();
  sequences_ = static_cast<int>(offsets_.size()) - 1;
}

// Returns the microseconds.
double KernelBench::Print(const char* name, const DeviceTime& time, const Work& work) const {
  std::printf(
      "{\"kernel\": \"%s\", \"type\": \"%s\", \"hidden\": %d, \"tokens\": %d, \"us\": %.2f, "
      "\"us_low\": %.2f, "
      "\"us_high\": %.2f",
      name, Name(type_), hidden_, tokens_, time.median, time.low, time.high);
  if (work.bytes > 0) {
    std::printf(", \"gb_per_s\": %.0f, \"share_of_copy\": %.3f", work.bytes / time.median / 1e3,
                work.bytes / time.median / copy_bytes_a_microsecond_);
  }
  if (work.ceiling) std::printf(", \"share_of_ceiling\": %.3f", *work.ceiling / time.median);
  if (work.flops > 0) {
    std::printf(", \"tflop_per_s\": %.1f, \"share_of_peak\": %.3f", work.flops / time.median / 1e6,
                work.flops / time.median / peak_flops_a_microsecond_);
  }
  if (work.cublaslt) std::printf(", \"share_of_cublaslt\": %.3f", *work.cublaslt / time.median);
  std::printf("}\n");
  std::fflush(stdout);
  return time.median;
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
  Print("copy of 1 GiB", time, {.bytes = 2.0 * kBytes});
}

std::function<void(int)> KernelBench::FastestOfCublasLt(LtProduct& product,
                                                        const std::vector<Tensor>& x,
                                                        const std::vector<Tensor>& w,
                                                        const std::vector<Tensor>& y) {
  const auto run = [&, this](std::size_t candidate, int i) {
    const auto set = static_cast<std::size_t>(i % kSets);
    return product.Run(stream_, workspace_, candidate,
                       {.x = x[set].data, .w = w[set].data, .bias = w[0].data, .y = y[set].data});
  };
  double best = 0;
  std::size_t best_candidate = 0;
  for (std::size_t candidate = 0; candidate < product.candidates(); ++candidate) {
    if (run(candidate, 0) != CUBLAS_STATUS_SUCCESS) continue;
    const double time = TimeInGraph(stream_, 5, kSets, [&](int i) { run(candidate, i); }).median;
    if (best == 0 || time < best) best = time, best_candidate = candidate;
  }
  return [=](int i) { run(best_candidate, i); };
}

void KernelBench::MeasurePeak() {
  constexpr int kSize = 8192;
  constexpr double kFlops = 2.0 * kSize * kSize * kSize;
  const std::vector<Tensor> x = {Take(kSize, kSize, type_)}, w = {Take(kSize, kSize, type_)},
                            y = {Take(kSize, kSize, type_)};
  LtProduct product(stream_, library_,
                    {.rows = kSize,
                     .inputs = kSize,
                     .outputs = kSize,
                     .input = CudaType(type_),
                     .output = CudaType(type_)});
  DeviceTime best;
  for (std::size_t candidate = 0; candidate < std::min<std::size_t>(4, product.candidates());
       ++candidate) {
    const DeviceTime time = TimeOnDevice(stream_, 3, 2, [&](int) {
      product.Run(stream_, workspace_, candidate, {.x = x[0].data, .w = w[0].data, .y = y[0].data});
    });
    if (best.median == 0 || time.median < best.median) best = time;
  }
  peak_flops_a_microsecond_ = kFlops / best.median;
  Print("product of 8192 x 8192 x 8192", best, {.flops = kFlops});
  buffers_.clear();
}

void KernelBench::MeasureProduct(const char* name, int inputs, int outputs, bool bias) {
  kernels::Gemm gemm(stream_, library_, workspace_, {type_, inputs, outputs, bias}, tokens_);
  const std::vector<Tensor> x = TakeSets(tokens_, inputs), w = TakeSets(outputs, inputs),
                            b = TakeSets(1, outputs), y = TakeSets(tokens_, outputs);
  const cudaDataType_t type = CudaType(type_);
  LtProduct product(stream_, library_,
                    {.rows = tokens_,
                     .inputs = inputs,
                     .outputs = outputs,
                     .input = type,
                     .output = type,
                     .bias_type = type,
                     .bias = bias,
                     .in_order = false});
  std::vector<std::string> names = {"cublaslt", name};
  std::vector<std::function<void(int)>> subjects = {FastestOfCublasLt(product, x, w, y)};
  subjects.emplace_back([&](int i) {
    const auto set = static_cast<std::size_t>(i % kSets);
    gemm.Run(stream_, workspace_, x[set], w[set], bias ? b[set].data : nullptr, y[set]);
  });
  std::list<kernels::GeluLinear> forms;
  for (const auto form : {kernels::GeluLinearForm::kSm90, kernels::GeluLinearForm::kSm80}) {
    if (outputs != feed_forward_) break;
    const kernels::GeluLinear& gelu = forms.emplace_back(stream_, type_, inputs, outputs, form);
    if (gelu.form() != form) continue;
    names.push_back(std::string(name) + " with erf-GELU, " +
                    (form == kernels::GeluLinearForm::kSm90 ? "wgmma" : "mma.sync"));
    subjects.emplace_back([&](int i) {
      const auto set = static_cast<std::size_t>(i % kSets);
      gelu.Run(stream_, x[set], w[set], b[set].data, y[set]);
    });
  }
  const std::vector<DeviceTime> times = TimeInTurns(stream_, 15, 4 * kSets, subjects);
  for (std::size_t i = 1; i < times.size(); ++i) {
    Print(names[i].c_str(), times[i],
          {.flops = 2.0 * tokens_ * inputs * outputs, .cublaslt = times[0].median});
  }
  buffers_.clear();
}

void KernelBench::MeasureRows() {
  const std::vector<Tensor> x = TakeSets(tokens_, hidden_), r = TakeSets(tokens_, hidden_),
                            out = TakeSets(tokens_, hidden_),
                            wide = TakeSets(tokens_, feed_forward_);
  const Tensor vectors = Take(3, hidden_, DType::kFp32);
  const auto* const bias = static_cast<const float*>(vectors.data);
  const kernels::LayerNormParameters norm{bias + hidden_, bias + std::ptrdiff_t{2} * hidden_,
                                          1e-5F};
  const auto row = static_cast<double>(x[0].bytes());
  const double ceiling = Print("two reads, one write, nothing else",
                               Time([&](std::size_t i) { MoveRows(stream_, x[i], r[i], out[i]); }),
                               {.bytes = 3 * row});
  Print("bias + residual + norm",
        Time([&](std::size_t i) { kernels::AddNorm(stream_, x[i], bias, r[i], norm, out[i]); }),
        {.bytes = 3 * row, .ceiling = ceiling});
  const double in_place =
      Print("feed-forward rows read and written, nothing else",
            Time([&](std::size_t i) { MoveRows(stream_, wide[i], {}, wide[i]); }),
            {.bytes = 2.0 * static_cast<double>(wide[0].bytes())});
  Print("erf-GELU alone", Time([&](std::size_t i) {
          kernels::Activate(stream_, kernels::ActivationKind::kGeluErf, wide[i]);
        }),
        {.bytes = 2.0 * static_cast<double>(wide[0].bytes()), .ceiling = in_place});
  buffers_.clear();
}

void KernelBench::MeasureAttention() {
  const std::vector<Tensor> qkv = TakeSets(tokens_, 3 * hidden_), out = TakeSets(tokens_, hidden_);
  kernels::AttentionPlan plan;
  plan.Build(offsets_);
  kernels::AttentionWork work;
  work.short_items = Upload(plan.short_items);
  work.short_count = static_cast<int>(plan.short_items.size());
  work.medium_items = Upload(plan.medium_items);
  work.medium_count = static_cast<int>(plan.medium_items.size());
  work.long_items = Upload(plan.long_items);
  work.long_count = static_cast<int>(plan.long_items.size());
  double pairs = 0;  // of query and key
  for (std::size_t b = 1; b < offsets_.size(); ++b) {
    const double length = offsets_[b] - offsets_[b - 1];
    pairs += length * length;
  }
  Print("attention",
        Time([&](std::size_t i) { kernels::Attention(stream_, qkv[i], kHeads, work, out[i]); }),
        {.bytes = 4.0 * static_cast<double>(out[0].bytes()), .flops = 4 * pairs * hidden_});
  buffers_.clear();
}

void KernelBench::MeasureEmbedding() {
  const std::vector<Tensor> out = TakeSets(tokens_, hidden_), from = TakeSets(tokens_, hidden_);
  const Tensor words = Take(kVocabulary, hidden_, type_), positions = Take(514, hidden_, type_);
  const Tensor vectors = Take(2, hidden_, DType::kFp32);
  const auto* const gamma = static_cast<const float*>(vectors.data);
  std::vector<int32_t> ids, rows;
  for (int t = 0; t < tokens_; ++t) {
    ids.push_back(static_cast<int32_t>((static_cast<int64_t>(t) * 7919) % kVocabulary));
    rows.push_back(2 + t % 40);
  }
  const int32_t* const device_ids = Upload(ids);
  const int32_t* const device_rows = Upload(rows);
  const double bytes = 2.0 * static_cast<double>(out[0].bytes());
  const double ceiling =
      Print("one read, one write, nothing else",
            Time([&](std::size_t i) { MoveRows(stream_, from[i], {}, out[i]); }), {.bytes = bytes});
  Print("embedding + norm", Time([&](std::size_t i) {
          kernels::Embed(stream_, {words, positions, {gamma, gamma + hidden_, 1e-5F}}, device_ids,
                         device_rows, out[i]);
        }),
        {.bytes = bytes, .ceiling = ceiling});
  buffers_.clear();
}

void KernelBench::MeasurePooling() {
  const std::vector<Tensor> x = TakeSets(tokens_, hidden_);
  const kernels::Sequences sequences{
      Upload(offsets_), Upload(std::vector<int32_t>(static_cast<std::size_t>(sequences_))),
      sequences_};
  const Tensor pooled = Take(sequences_, hidden_, DType::kFp32);
  const Tensor first = Take(sequences_, hidden_, type_);
  const auto row = static_cast<double>(x[0].bytes());
  const double ceiling =
      Print("one read, nothing else", Time([&](std::size_t i) { ReadRows(stream_, x[i]); }),
            {.bytes = row});
  const kernels::PoolKind mean[] = {kernels::PoolKind::kMean};
  Print("mean pooling",
        Time([&](std::size_t i) { kernels::Pool(stream_, x[i], sequences, mean, pooled); }),
        {.bytes = row + static_cast<double>(pooled.bytes()), .ceiling = ceiling});
  // Of cls pooling, before the last layer of a large batch.
  Print("gather of the first rows", Time([&](std::size_t i) {
          kernels::GatherRows(stream_, x[i], {sequences, kernels::PoolKind::kFirst}, first);
        }),
        {.bytes = 2.0 * static_cast<double>(first.bytes())});
  buffers_.clear();
}

// The most texts of a request by default, on each side.
void KernelBench::MeasureSimilarity() {
  constexpr int kRows = 1024, kBest = 10;
  const std::vector<Tensor> a = TakeSets(kRows, hidden_, DType::kFp32),
                            b = TakeSets(kRows, hidden_, DType::kFp32),
                            scores = TakeSets(kRows, kRows, DType::kFp32);
  const Tensor best = Take(kRows, kBest, DType::kFp32), columns = Take(kRows, kBest, DType::kFp32);
  Print("cosine matrix of 1024 x 1024", Time([&](std::size_t i) {
          kernels::SimilarityMatrix(stream_, kernels::SimilarityKind::kCosine, a[i], b[i],
                                    scores[i]);
        }),
        {.flops = 2.0 * kRows * kRows * hidden_});
  Print("best 10 of each of its rows", Time([&](std::size_t i) {
          kernels::BestOfEachRow(stream_, scores[i], best, static_cast<uint32_t*>(columns.data));
        }),
        {.bytes = 4.0 * kRows * kRows});
  buffers_.clear();
}

bool KernelBench::Run(bool products) {
  MeasureCopy();
  MeasurePeak();
  if (products) {
    MeasureProduct("product qkv", hidden_, 3 * hidden_, true);
    MeasureProduct("product attention output", hidden_, hidden_, false);
    MeasureProduct("product feed-forward 1", hidden_, feed_forward_, true);
    MeasureProduct("product feed-forward 2", feed_forward_, hidden_, false);
    if (type_ == DType::kFp32) MeasureSimilarity();
  }
  MeasureAttention();
  MeasureRows();
  MeasureEmbedding();
  MeasurePooling();
  if (!stream_.ok()) std::fprintf(stderr, "%s\n", stream_.error().c_str());
  return stream_.ok();
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  using namespace embedserve;  // NOLINT(google-build-using-namespace): main stands outside
  const std::optional<std::string> device = FirstDevice();
  if (!device.has_value()) return 1;
  kernels::DType type = kernels::DType::kFp16;
  int tokens = 11264, hidden = 768, length = 0;
  bool products = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (const int number = std::atoi(argv[i]); number > 0) tokens = number;
    if (argument.starts_with("length=")) length = std::atoi(argv[i] + 7);
    if (argument == "minilm") hidden = 384;
    if (argument == "rows") products = false;
    for (const kernels::DType each : kernels::kAllDTypes) {
      if (argument == Name(each)) type = each;
    }
  }
  std::printf("{\"device\": \"%s\"}\n", device->c_str());
  KernelBench bench(type, hidden,
                    length > 0 ? std::vector<int>(static_cast<std::size_t>(tokens / length), length)
                               : MrpcLengths(tokens),
                    tokens);
  return bench.Run(products) ? 0 : 1;
}
