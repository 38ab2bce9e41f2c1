// What stands open in ../shared/design/kernels.md, section 15, at the products of a 6-layer
// RoBERTa: e4m3 operands beside fp16 (speed, error, what the form of the scales costs), e4m3
// results, CUTLASS beside cuBLASLt, and which plans give the same bits whatever the number of rows.
// One JSON object a line.
//   error_of_sums   |y - r| / |r|, r the product of the same 8-bit (16-bit) operands in double
//   error           the same, r the product of the operands before they were rounded
// Operands are normally distributed, like rows after a LayerNorm without its gamma, and have no
// outliers: real weights are worse.
//
//   measure_first_bench [ROWS...]
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bench/device_timer.h"
#include "bench/first_device.h"
#include "bench/fp8_linear.h"
#include "bench/lt_product.h"
#include "kernels/buffer.h"
#include "kernels/gelu_linear.h"
#include "kernels/gemm.h"
#include "kernels/probe.h"

namespace embedserve {
namespace {

struct Product {
  const char* name;
  int inputs, outputs;
};
constexpr Product kProducts[] = {{"qkv", 768, 2304},
                                 {"attention output", 768, 768},
                                 {"feed-forward 1", 768, 3072},
                                 {"feed-forward 2", 3072, 768}};
constexpr int kSets = 3;       // copies of x, w and y that take turns
constexpr int kFewRows = 509;  // different rows of x; they repeat
constexpr int kJudged = 8;     // rows whose error is taken
constexpr float kE4m3Most = 448;

struct Form {
  const char* name;
  bool fp8 = true;
  bool bias = true;
  bool gelu = false;
  bool fp8_result = false;
  bool fast = false;
  LtProduct::Scales scales = LtProduct::Scales::kNone;
};
constexpr auto kVectors = LtProduct::Scales::kVectors;
constexpr Form kForms[] = {
    {.name = "fp16 + bias", .fp8 = false},
    {.name = "e4m3, one scale, precise", .bias = false},
    {.name = "e4m3, one scale, fast", .bias = false, .fast = true},
    {.name = "e4m3, one scale + bias, precise"},
    {.name = "e4m3, one scale + bias, fast", .fast = true},
    {.name = "e4m3, scales a row and a column + bias, precise", .scales = kVectors},
    {.name = "e4m3, scales a row and a column + bias, fast", .fast = true, .scales = kVectors},
    {.name = "e4m3, one scale + bias, fast, to e4m3", .fp8_result = true, .fast = true},
    {.name = "e4m3, one scale + bias + tanh-GELU, fast, to e4m3",
     .gelu = true,
     .fp8_result = true,
     .fast = true},
    {.name = "e4m3, scales a row and a column + bias, fast, to e4m3",
     .fp8_result = true,
     .fast = true,
     .scales = kVectors},
};

// One matrix in three forms: as drawn, in fp16, and in e4m3 with one factor a row or one for all.
struct Rounded {
  int rows = 0, columns = 0;
  std::vector<float> drawn;
  std::vector<__half> half;
  std::vector<__nv_fp8_e4m3> by_row, by_all;
  std::vector<float> row_scales;  // drawn = by_row * scale
  float scale = 1;

  Rounded(int r, int c, float sigma, uint32_t seed) : rows(r), columns(c) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> normal(0, sigma);
    const auto width = static_cast<std::size_t>(c);
    drawn.resize(static_cast<std::size_t>(r) * width);
    for (float& value : drawn) value = normal(engine);
    const auto most = [](auto begin, auto end) {
      float largest = 0;
      for (auto i = begin; i != end; ++i) largest = std::max(largest, std::abs(*i));
      return largest / kE4m3Most;
    };
    scale = most(drawn.begin(), drawn.end());
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (i % width == 0) {
        const auto begin = drawn.begin() + static_cast<std::ptrdiff_t>(i);
        row_scales.push_back(most(begin, begin + c));
      }
      half.emplace_back(drawn[i]);
      by_all.emplace_back(drawn[i] / scale);
      by_row.emplace_back(drawn[i] / row_scales.back());
    }
  }
  double At(const Form& form, std::size_t row, std::size_t column) const {
    const std::size_t i = row * static_cast<std::size_t>(columns) + column;
    if (!form.fp8) return static_cast<double>(static_cast<float>(half[i]));
    return form.scales == kVectors
               ? static_cast<double>(static_cast<float>(by_row[i])) * row_scales[row]
               : static_cast<double>(static_cast<float>(by_all[i])) * scale;
  }
};

class MeasureFirst {
 public:
  MeasureFirst(const Product& product, int most_rows);
  bool Run(const std::vector<int>& rows);

 private:
  // `values` again and again on the device, kSets times `count` of them.
  template <class T>
  std::vector<const T*> Upload(const std::vector<T>& values, std::size_t count) {
    std::vector<T> all(count);
    std::vector<const T*> sets;
    for (std::size_t i = 0; i < count; ++i) all[i] = values[i % values.size()];
    for (int set = 0; set < kSets; ++set) {
      buffers_.emplace_back(stream_, count * sizeof(T));
      stream_.CopyToDevice(buffers_.back().data(), all.data(), buffers_.back().size());
      stream_.Synchronize();
      sets.push_back(reinterpret_cast<const T*>(buffers_.back().data()));
    }
    return sets;
  }
  LtProduct::Shape ShapeOf(const Form& form, int rows) const;
  LtProduct::Operands OperandsOf(const Form& form, int set) const;
  Fp8LinearArguments CutlassOf(int rows, int set) const;
  void MeasureForm(const Form& form, int rows);
  void MeasureCutlass(bool fast, int rows);
  void CompareBits(const Form& form, const std::vector<int>& rows);
  void PrintErrors(const Form& form);
  // |y - r| / |r| over the first rows of set 0's result, r by `x` and `w`.
  template <class Value>
  double Error(bool bias, Value value);

  Product product_;
  int most_rows_;
  kernels::Stream stream_{0};
  const kernels::GemmLibrary library_{stream_};
  const kernels::DeviceBuffer workspace_{stream_, kernels::kGemmWorkspaceBytes};
  Rounded x_, w_, bias_;
  std::vector<kernels::DeviceBuffer> buffers_;
  std::vector<const __half*> half_x_, half_w_, half_bias_;
  std::vector<const __nv_fp8_e4m3*> row_x_, row_w_, all_x_, all_w_;
  std::vector<const float*> x_scales_, w_scales_;
  std::vector<std::byte*> y_;
};

MeasureFirst::MeasureFirst(const Product& product, int most_rows)
    : product_(product),
      most_rows_(most_rows),
      x_(kFewRows, product.inputs, 1, 1),
      w_(product.outputs, product.inputs, 0.04F, 2),
      bias_(1, product.outputs, 0.1F, 3) {
  const auto rows = static_cast<std::size_t>(most_rows);
  const auto size = rows * static_cast<std::size_t>(product.inputs);
  half_x_ = Upload(x_.half, size);
  row_x_ = Upload(x_.by_row, size);
  all_x_ = Upload(x_.by_all, size);
  x_scales_ = Upload(x_.row_scales, rows);
  half_w_ = Upload(w_.half, w_.half.size());
  row_w_ = Upload(w_.by_row, w_.by_row.size());
  all_w_ = Upload(w_.by_all, w_.by_all.size());
  w_scales_ = Upload(w_.row_scales, w_.row_scales.size());
  half_bias_ = Upload(bias_.half, bias_.half.size());
  for (int set = 0; set < kSets; ++set) {
    buffers_.emplace_back(stream_, 2 * rows * static_cast<std::size_t>(product.outputs));
    y_.push_back(buffers_.back().data());
  }
}

LtProduct::Shape MeasureFirst::ShapeOf(const Form& form, int rows) const {
  return {.rows = rows,
          .inputs = product_.inputs,
          .outputs = product_.outputs,
          .input = form.fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16F,
          .output = form.fp8_result ? CUDA_R_8F_E4M3 : CUDA_R_16F,
          .bias = form.bias,
          .gelu = form.gelu,
          .fast_sums = form.fast,
          .scales = form.scales};
}

LtProduct::Operands MeasureFirst::OperandsOf(const Form& form, int set) const {
  const auto s = static_cast<std::size_t>(set);
  LtProduct::Operands operands{.bias = half_bias_[s], .y = y_[s]};
  if (!form.fp8) {
    operands.x = half_x_[s], operands.w = half_w_[s];
  } else if (form.scales == kVectors) {
    operands.x = row_x_[s], operands.w = row_w_[s];
    operands.x_scales = x_scales_[s], operands.w_scales = w_scales_[s];
  } else {
    operands.x = all_x_[s], operands.w = all_w_[s], operands.alpha = x_.scale * w_.scale;
  }
  return operands;
}

Fp8LinearArguments MeasureFirst::CutlassOf(int rows, int set) const {
  const auto s = static_cast<std::size_t>(set);
  return {row_x_[s],
          row_w_[s],
          x_scales_[s],
          w_scales_[s],
          half_bias_[s],
          y_[s],
          rows,
          product_.outputs,
          product_.inputs,
          stream_.ordinal(),
          stream_.multiprocessors()};
}

template <class Value>
double MeasureFirst::Error(bool bias, Value value) {
  const auto width = static_cast<std::size_t>(product_.outputs);
  std::vector<__half> y(kJudged * width);
  stream_.CopyToHost(y.data(), y_[0], y.size() * sizeof(__half));
  stream_.Synchronize();
  double difference = 0, all = 0;
  for (std::size_t row = 0; row < kJudged; ++row) {
    for (std::size_t n = 0; n < width; ++n) {
      double sum = bias ? static_cast<double>(static_cast<float>(bias_.half[n])) : 0;
      for (std::size_t k = 0; k < static_cast<std::size_t>(product_.inputs); ++k) {
        sum += value(x_, row, k) * value(w_, n, k);
      }
      difference += std::pow(static_cast<double>(static_cast<float>(y[row * width + n])) - sum, 2);
      all += sum * sum;
    }
  }
  return std::sqrt(difference / all);
}

void MeasureFirst::PrintErrors(const Form& form) {
  const double of_sums =
      Error(form.bias, [&](const Rounded& matrix, std::size_t row, std::size_t column) {
        return matrix.At(form, row, column);
      });
  const double error =
      Error(form.bias, [](const Rounded& matrix, std::size_t row, std::size_t column) {
        return static_cast<double>(
            matrix.drawn[row * static_cast<std::size_t>(matrix.columns) + column]);
      });
  std::printf(", \"error_of_sums\": %.2e, \"error\": %.2e", of_sums, error);
}

void MeasureFirst::MeasureForm(const Form& form, int rows) {
  LtProduct product(stream_, library_, ShapeOf(form, rows));
  double first = 0, best = 0;
  std::size_t best_candidate = 0;
  cublasStatus_t refused = CUBLAS_STATUS_SUCCESS;
  for (std::size_t candidate = 0; candidate < product.candidates(); ++candidate) {
    const auto run = [&](int i) {
      return product.Run(stream_, workspace_, candidate, OperandsOf(form, i % kSets));
    };
    refused = run(0);
    if (refused != CUBLAS_STATUS_SUCCESS) continue;
    const double time = TimeInGraph(stream_, 7, 8 * kSets, run).median;
    if (first == 0) first = time;
    if (best == 0 || time < best) best = time, best_candidate = candidate;
  }
  const double flops = 2.0 * rows * product_.inputs * product_.outputs;
  std::printf("{\"product\": \"%s\", \"rows\": %d, \"form\": \"cublaslt %s\", \"candidates\": %zu",
              product_.name, rows, form.name, product.candidates());
  if (best > 0) {
    std::printf(", \"first_us\": %.2f, \"us\": %.2f, \"tflop_per_s\": %.0f", first, best,
                flops / best / 1e6);
    if (!form.fp8_result && rows == most_rows_) {
      product.Run(stream_, workspace_, best_candidate, OperandsOf(form, 0));
      PrintErrors(form);
    }
  }
  if (best == 0 && product.candidates() > 0) {
    std::printf(", \"refused\": \"%s\"", cublasLtGetStatusString(refused));
  }
  std::printf("}\n");
  std::fflush(stdout);
}

void MeasureFirst::MeasureCutlass(bool fast, int rows) {
  const auto run = [&](int i) {
    return Fp8Linear(CutlassOf(rows, i % kSets), fast, stream_.get());
  };
  const Form form = {.name = "", .fast = fast, .scales = kVectors};
  const cudaError_t status = run(0);
  std::printf(
      "{\"product\": \"%s\", \"rows\": %d, \"form\": \"cutlass e4m3, scales a row and a "
      "column + bias, %s\"",
      product_.name, rows, fast ? "fast" : "precise");
  if (status != cudaSuccess) {
    std::printf(", \"not_run\": \"%s\"}\n", cudaGetErrorString(status));
    return;
  }
  const double time =
      TimeInGraph(stream_, 7, 8 * kSets, [&](int i) { stream_.Check(run(i), "cutlass"); }).median;
  std::printf(", \"us\": %.2f, \"tflop_per_s\": %.0f", time,
              2.0 * rows * product_.inputs * product_.outputs / time / 1e6);
  if (rows == most_rows_) {
    run(0);
    PrintErrors(form);
  }
  std::printf("}\n");
  std::fflush(stdout);
}

// The reference is the first candidate for most rows; how many candidates for fewer rows repeat its
// bits, and does CUTLASS?
void MeasureFirst::CompareBits(const Form& form, const std::vector<int>& rows) {
  const auto width = product_.outputs;
  const kernels::DeviceBuffer count_buffer(stream_, sizeof(unsigned));
  auto* const count = reinterpret_cast<unsigned*>(count_buffer.data());
  LtProduct reference(stream_, library_, ShapeOf(form, most_rows_));
  if (reference.candidates() == 0) return;
  reference.Run(stream_, workspace_, 0, OperandsOf(form, 1));
  const auto differences = [&](int first_rows) {
    stream_.Check(cudaMemsetAsync(count, 0, sizeof *count, stream_.get()), "bits");
    kernels::CountDifferences(stream_, {y_[0], kernels::DType::kFp16, first_rows, width},
                              {y_[1], kernels::DType::kFp16, first_rows, width}, count);
    unsigned differing = 0;
    stream_.CopyToHost(&differing, count, sizeof differing);
    stream_.Synchronize();
    return differing;
  };
  const auto poison = [&](int some_rows) {
    stream_.Check(cudaMemsetAsync(y_[0], 0xff,
                                  std::size_t{2} * static_cast<std::size_t>(some_rows) *
                                      static_cast<std::size_t>(width),
                                  stream_.get()),
                  "bits");
  };
  for (const int some : rows) {
    LtProduct product(stream_, library_, ShapeOf(form, some));
    std::size_t equal = 0;
    for (std::size_t candidate = 0; candidate < product.candidates(); ++candidate) {
      poison(some);
      if (product.Run(stream_, workspace_, candidate, OperandsOf(form, 0)) !=
          CUBLAS_STATUS_SUCCESS) {
        continue;
      }
      if (differences(some) == 0) ++equal;
    }
    std::printf(
        "{\"product\": \"%s\", \"rows\": %d, \"bits_of\": \"cublaslt %s\", "
        "\"candidates\": %zu, \"equal\": %zu",
        product_.name, some, form.name, product.candidates(), equal);
    if (form.scales == kVectors) {
      poison(some);
      if (Fp8Linear(CutlassOf(some, 0), form.fast, stream_.get()) == cudaSuccess) {
        std::printf(", \"values_where_cutlass_differs\": %u", differences(some));
      }
    }
    std::printf("}\n");
  }
}

bool MeasureFirst::Run(const std::vector<int>& rows) {
  for (const int some : rows) {
    for (const Form& form : kForms) {
      if (form.gelu && product_.outputs != 3072) continue;
      MeasureForm(form, some);
    }
    for (const bool fast : {false, true}) MeasureCutlass(fast, some);
  }
  for (const Form& form : kForms) {
    if (form.bias && !form.fp8_result) {
      CompareBits(form, kernels::RowBuckets(most_rows_, stream_.multiprocessors()));
    }
  }
  // cuBLASLt's plans against SmallGemm, and SmallGemm against CUTLASS with its activation.
  const kernels::Gemm gemm(stream_, library_, workspace_,
                           {kernels::DType::kFp16, product_.inputs, product_.outputs, true},
                           most_rows_);
  for (const kernels::GemmPlanReport& report : gemm.reports()) {
    std::printf(
        "{\"product\": \"%s\", \"rows\": %d, \"bits_of\": \"SmallGemm, fp16 + bias\", "
        "\"candidates\": %d, \"equal\": %d, \"us\": %.2f, \"small_gemm_is_fastest\": %s}\n",
        product_.name, report.rows, report.candidates, report.equal_candidates,
        static_cast<double>(report.best_microseconds), report.small ? "true" : "false");
  }
  const kernels::GeluLinear gelu(stream_, kernels::DType::kFp16, product_.inputs, product_.outputs);
  if (gelu.available()) {
    std::printf("{\"product\": \"%s\", \"cutlass_with_gelu_has_the_bits_of_small_gemm\": %s}\n",
                product_.name, gelu.takes_few_rows_apart() ? "true" : "false");
  }
  if (!stream_.ok()) std::fprintf(stderr, "%s\n", stream_.error().c_str());
  return stream_.ok();
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  using namespace embedserve;  // NOLINT(google-build-using-namespace): main stands outside
  const std::optional<std::string> device = FirstDevice();
  if (!device.has_value()) return 1;
  std::printf("{\"device\": \"%s\"}\n", device->c_str());
  std::vector<int> rows;
  for (int i = 1; i < argc; ++i) rows.push_back(std::max(1, std::atoi(argv[i])));
  if (rows.empty()) rows = {32, 256, 1408, 11264};
  for (const Product& product : kProducts) {
    MeasureFirst measure(product, *std::ranges::max_element(rows));
    if (!measure.Run(rows)) return 1;
  }
  return 0;
}
