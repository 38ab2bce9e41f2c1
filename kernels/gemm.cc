#include "kernels/gemm.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/cublaslt.h"
#include "kernels/graph.h"
#include "kernels/probe.h"
#include "kernels/small_gemm.h"

namespace embedserve::kernels {
namespace {

constexpr const char* kName = "matrix product";
constexpr int kMostCandidates = 16;
// Copies of the weights in a trial. A forward pass finds its weights in memory, not in the cache:
// the timed runs of one graph, one a copy, read more than the cache holds.
constexpr int kCopies = 16;
constexpr int kManyRows = 2048;  // from here on four runs are long enough
// Of any row of a tensor with such rows; weights are slices of packed tensors. 16 bytes is what
// bulk copies need.
uint32_t Alignment(const Gemm::Shape& shape) {
  const auto row_bytes = [&](int columns) {
    return static_cast<uint32_t>(columns) * static_cast<uint32_t>(ByteSize(shape.type));
  };
  return std::gcd(16u, std::gcd(row_bytes(shape.inputs), row_bytes(shape.outputs)));
}

bool Check(Stream& stream, cublasStatus_t status, const std::string& what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    stream.Fail(kName, what + ": " + cublasLtGetStatusString(status));
  }
  return stream.ok();
}

struct PreferenceDestroy {
  void operator()(cublasLtMatmulPreference_t preference) const {
    cublasLtMatmulPreferenceDestroy(preference);
  }
};

template <class T>
cublasStatus_t Set(cublasLtMatmulPreference_t preference,
                   cublasLtMatmulPreferenceAttributes_t attribute, T value) {
  return cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
}

}  // namespace

cudaDataType_t CudaType(DType type) {
  switch (type) {
    case DType::kFp32:
      return CUDA_R_32F;
    case DType::kFp16:
      return CUDA_R_16F;
    case DType::kBf16:
      return CUDA_R_16BF;
  }
  return CUDA_R_32F;
}

GemmLibrary::GemmLibrary(Stream& stream) {
  if (!WhyNoCublasLt().empty()) stream.Fail(kName, WhyNoCublasLt());
  cublasLtHandle_t handle = nullptr;
  if (stream.ok() && Check(stream, cublasLtCreate(&handle), "cuBLASLt")) handle_.reset(handle);
}

std::vector<int> RowBuckets(int most_rows, int multiprocessors) {
  std::vector<int> buckets;
  const auto add = [&](int rows) {
    if (rows < most_rows && (buckets.empty() || rows > buckets.back())) buckets.push_back(rows);
  };
  for (const int rows : {32, 64, 96, 128, 192, 256, 384, 512}) add(rows);
  for (const int half_waves : {2, 3, 4, 5, 6, 8, 12, 16, 24, 32}) {
    add(multiprocessors * 128 * 128 / 3072 * half_waves / 2 / 32 * 32);
  }
  buckets.push_back(most_rows);
  return buckets;
}

// Random operands of the largest bucket, and the reference's result for them.
class Gemm::Trial {
 public:
  static std::size_t Bytes(const Shape& shape, int most_rows) {
    Arena measure(nullptr);
    Operands().Cut(measure, shape, most_rows);
    return measure.used();
  }

  Trial(Stream& stream, Gemm& gemm, const DeviceBuffer& workspace, int most_rows)
      : stream_(stream), gemm_(gemm), workspace_(workspace) {
    memory_ = DeviceBuffer(stream, Bytes(gemm.shape_, most_rows));
    Arena arena(memory_.data());
    on_.Cut(arena, gemm.shape_, most_rows);
    FillRandom(stream, 1, on_.x);
    FillRandom(stream, 2, on_.w);
    FillRandom(stream, 3, on_.bias);
    stream.Check(cudaEventCreate(&begin_), kName);
    stream.Check(cudaEventCreate(&end_), kName);
  }
  ~Trial() {
    if (begin_ != nullptr) cudaEventDestroy(begin_);
    if (end_ != nullptr) cudaEventDestroy(end_);
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // Makes the method's result the reference. False if it does not run; the stream stays usable.
  bool Expect(const Method& method) {
    return gemm_.Launch(stream_, workspace_, method, on_.x, Weights(0), on_.bias.data,
                        on_.expected);
  }
  void ExpectSmallGemm() {
    for (int row = 0; row < on_.x.rows; row += kMostSmallRows) {
      const int rows = std::min(kMostSmallRows, on_.x.rows - row);
      SmallGemm(stream_, on_.x.Rows(row, rows), Weights(0),
                gemm_.shape_.bias ? on_.bias.data : nullptr, SmallEpilogue::kBias,
                on_.expected.Rows(row, rows));
    }
  }

  // Does the plan give the reference's bits for the first `rows` rows?
  bool IsEqual(const Method& method, int rows) {
    const Tensor y = on_.actual.Rows(0, rows);
    if (!stream_.ok()) return false;
    // Whatever the plan leaves unwritten must not look right: the last candidate's rows are there.
    stream_.Check(cudaMemsetAsync(y.data, 0xff, y.bytes(), stream_.get()), kName);
    stream_.Check(cudaMemsetAsync(on_.differences, 0, sizeof(unsigned), stream_.get()), kName);
    if (!Launch(method, rows, 0)) return false;
    CountDifferences(stream_, y, on_.expected.Rows(0, rows), on_.differences);
    unsigned count = 1;
    stream_.CopyToHost(&count, on_.differences, sizeof count);
    stream_.Synchronize();
    return stream_.ok() && count == 0;
  }

  float Microseconds(const Method& method, int rows) {
    const int runs = rows < kManyRows ? kCopies : 4;
    // A graph, so that the host's launches do not set the pace.
    const Graph graph = Graph::Record(stream_, [&] {
      for (int run = 0; run < runs; ++run) Launch(method, rows, run);
    });
    float best = 0;
    for (int repeat = 0; repeat < 3 && stream_.ok(); ++repeat) {
      stream_.Check(cudaEventRecord(begin_, stream_.get()), kName);
      graph.Launch(stream_);
      stream_.Check(cudaEventRecord(end_, stream_.get()), kName);
      stream_.Synchronize();
      float milliseconds = 0;
      if (!stream_.Check(cudaEventElapsedTime(&milliseconds, begin_, end_), kName)) break;
      const float each = milliseconds * 1000.0f / static_cast<float>(runs);
      best = repeat == 0 ? each : std::min(best, each);
    }
    return best;
  }

 private:
  struct Operands {
    void Cut(Arena& arena, const Shape& shape, int most_rows) {
      x = arena.TakeTensor(shape.type, most_rows, shape.inputs);
      w = arena.TakeTensor(shape.type, kCopies * shape.outputs, shape.inputs);
      bias = arena.TakeTensor(shape.type, 1, shape.outputs);
      expected = arena.TakeTensor(shape.type, most_rows, shape.outputs);
      actual = arena.TakeTensor(shape.type, most_rows, shape.outputs);
      differences = arena.TakeArray<unsigned>(1);
    }
    Tensor x, w, bias, expected, actual;
    unsigned* differences = nullptr;
  };
  Tensor Weights(int copy) const {
    return on_.w.Rows(copy * gemm_.shape_.outputs, gemm_.shape_.outputs);
  }
  bool Launch(const Method& method, int rows, int copy) {
    return gemm_.Launch(stream_, workspace_, method, on_.x.Rows(0, rows), Weights(copy),
                        on_.bias.data, on_.actual.Rows(0, rows));
  }

  Stream& stream_;
  Gemm& gemm_;
  const DeviceBuffer& workspace_;
  DeviceBuffer memory_;
  Operands on_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

std::size_t Gemm::TrialBytes(const Shape& shape, int most_rows) {
  return Trial::Bytes(shape, most_rows);
}

Gemm::Gemm(Stream& stream, const GemmLibrary& library, const DeviceBuffer& workspace, Shape shape,
           int most_rows)
    : library_(library.get()), shape_(shape), most_rows_(most_rows) {
  if (!stream.ok() || !Describe(stream)) return;
  Trial trial(stream, *this, workspace, most_rows);
  // SmallGemm defines the bits: K in order, in steps of 16. Most plans repeat them; should none do
  // so, the heuristic's first choice defines them.
  if (HasSmallGemm(stream, shape.type, shape.inputs, shape.outputs)) {
    trial.ExpectSmallGemm();
    ChoosePlans(stream, trial, most_rows);
  }
  if (!plans_.empty() || !stream.ok()) return;
  const std::vector<Method> offered = Candidates(stream, most_rows);
  if (std::ranges::none_of(offered, [&](const Method& method) { return trial.Expect(method); })) {
    stream.Fail(kName, "cuBLASLt offers no plan that runs");
    return;
  }
  ChoosePlans(stream, trial, most_rows);
}

void Gemm::ChoosePlans(Stream& stream, Trial& trial, int most_rows) {
  plans_.clear();
  reports_.clear();
  Method larger;
  std::vector<int> buckets = RowBuckets(most_rows, stream.multiprocessors());
  std::ranges::reverse(buckets);
  for (const int rows : buckets) {
    std::vector<Method> candidates = Candidates(stream, rows);
    if (larger.has_value()) candidates.push_back(larger);
    if (rows <= kMostSmallRows &&
        HasSmallGemm(stream, shape_.type, shape_.inputs, shape_.outputs)) {
      candidates.push_back(std::nullopt);
    }
    Choose(stream, trial, rows, candidates);
    if (!plans_.empty()) larger = plans_.front().method;
    if (!stream.ok()) return;
  }
}

void Gemm::Choose(Stream& stream, Trial& trial, int rows, std::span<const Method> candidates) {
  GemmPlanReport report{};
  report.rows = rows;
  report.candidates = static_cast<int>(candidates.size());
  Plan plan;
  plan.most_rows = rows;
  for (const Method& method : candidates) {
    if (!trial.IsEqual(method, rows)) continue;
    const float microseconds = trial.Microseconds(method, rows);
    if (report.equal_candidates == 0) report.first_microseconds = microseconds;
    if (++report.equal_candidates == 1 || microseconds < report.best_microseconds) {
      report.best_microseconds = microseconds;
      report.small = !method.has_value();
      plan.method = method;
    }
  }
  reports_.insert(reports_.begin(), report);
  if (report.equal_candidates > 0 && stream.ok()) plans_.insert(plans_.begin(), plan);
}

// cuBLASLt counts columns first. In its terms y^T (N, M) = w (K, N)^T x (K, M): the bias then runs
// along the rows of the result, as its epilogue wants, and nothing is transposed in memory.
bool Gemm::Describe(Stream& stream) {
  const cudaDataType_t type = CudaType(shape_.type);
  const auto k = static_cast<uint64_t>(shape_.inputs), n = static_cast<uint64_t>(shape_.outputs);
  const cublasOperation_t transpose = CUBLAS_OP_T;
  const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  cublasStatus_t status = cublasLtMatmulDescInit(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatmulDescSetAttribute(&operation_, attribute, &value, sizeof value);
    }
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, transpose);
  if (shape_.bias) set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  const auto layout = [&](cublasLtMatrixLayoutOpaque_t& to, uint64_t rows) {
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatrixLayoutInit(&to, type, rows, 1, static_cast<int64_t>(rows));
    }
  };
  layout(w_layout_, k);
  layout(x_layout_, k);
  layout(y_layout_, n);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status =
        cublasLtMatrixLayoutSetAttribute(&w_layout_, CUBLASLT_MATRIX_LAYOUT_COLS, &n, sizeof n);
  }
  return Check(stream, status, "descriptors");
}

// Writes into structures of our own: it cannot fail, and allocates nothing.
void Gemm::SetRows(int rows) {
  const auto m = static_cast<uint64_t>(rows);
  cublasLtMatrixLayoutSetAttribute(&x_layout_, CUBLASLT_MATRIX_LAYOUT_COLS, &m, sizeof m);
  cublasLtMatrixLayoutSetAttribute(&y_layout_, CUBLASLT_MATRIX_LAYOUT_COLS, &m, sizeof m);
}

std::vector<Gemm::Method> Gemm::Candidates(Stream& stream, int rows) const {
  cublasLtMatmulPreference_t raw = nullptr;
  if (!Check(stream, cublasLtMatmulPreferenceCreate(&raw), "preference")) return {};
  const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, PreferenceDestroy> preference(raw);
  const uint32_t alignment = Alignment(shape_);
  for (const cublasStatus_t status :
       {Set(raw, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kGemmWorkspaceBytes),
        Set(raw, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
            static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE)),
        Set(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment),
        Set(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment),
        Set(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment),
        Set(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment)}) {
    if (!Check(stream, status, "preference")) return {};
  }
  cublasLtMatrixLayoutOpaque_t x = x_layout_, y = y_layout_, w = w_layout_;
  cublasLtMatmulDescOpaque_t operation = operation_;
  const auto m = static_cast<uint64_t>(rows);
  cublasLtMatrixLayoutSetAttribute(&x, CUBLASLT_MATRIX_LAYOUT_COLS, &m, sizeof m);
  cublasLtMatrixLayoutSetAttribute(&y, CUBLASLT_MATRIX_LAYOUT_COLS, &m, sizeof m);
  std::vector<cublasLtMatmulHeuristicResult_t> found(kMostCandidates);
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      library_, &operation, &w, &x, &y, &y, raw, kMostCandidates, found.data(), &count);
  std::vector<Method> methods;
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return methods;  // a larger bucket's plan may do
  if (!Check(stream, status, "heuristic")) return methods;
  for (int i = 0; i < count; ++i) {
    if (found[static_cast<std::size_t>(i)].state == CUBLAS_STATUS_SUCCESS) {
      methods.emplace_back(found[static_cast<std::size_t>(i)].algo);
    }
  }
  return methods;
}

bool Gemm::Launch(Stream& stream, const DeviceBuffer& workspace, const Method& method,
                  ConstTensor x, ConstTensor w, const void* bias, Tensor y) {
  if (!stream.ok()) return false;
  if (!method.has_value()) {
    SmallGemm(stream, x, w, shape_.bias ? bias : nullptr, SmallEpilogue::kBias, y);
    return stream.ok();
  }
  SetRows(x.rows);
  if (shape_.bias) {
    cublasLtMatmulDescSetAttribute(&operation_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                   sizeof bias);
  }
  const float one = 1.0f, zero = 0.0f;
  return cublasLtMatmul(library_, &operation_, &one, w.data, &w_layout_, x.data, &x_layout_, &zero,
                        y.data, &y_layout_, y.data, &y_layout_, &*method, workspace.data(),
                        workspace.size(), stream.get()) == CUBLAS_STATUS_SUCCESS;
}

void Gemm::Run(Stream& stream, const DeviceBuffer& workspace, ConstTensor x, ConstTensor w,
               const void* bias, Tensor y) {
  if (!stream.ok() || x.rows == 0) return;
  if (plans_.empty() || x.rows > most_rows_ || x.columns != shape_.inputs ||
      y.columns != shape_.outputs) {
    return stream.Fail(kName, std::to_string(x.rows) + " x " + std::to_string(x.columns) + " -> " +
                                  std::to_string(y.columns) + " has no plan");
  }
  // More rows than the largest plan takes go in pieces.
  for (int row = 0; row < x.rows && stream.ok(); row += plans_.back().most_rows) {
    const int rows = std::min(plans_.back().most_rows, x.rows - row);
    const auto plan = std::ranges::lower_bound(plans_, rows, {}, &Plan::most_rows);
    if (!Launch(stream, workspace, plan->method, x.Rows(row, rows), w, bias, y.Rows(row, rows))) {
      stream.Fail(kName, "cuBLASLt refused a plan that it ran at start");
    }
  }
}

}  // namespace embedserve::kernels
