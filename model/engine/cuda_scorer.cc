#include "model/engine/cuda_scorer.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "fmt/format.h"
#include "kernels/norm.h"
#include "kernels/similarity.h"
#include "kernels/stream.h"
#include "model/folder/head_module.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Rows of a side on the device at a time: as many as a request has texts unless --max-texts is
// raised. Larger matrices are computed block by block.
constexpr int kBlock = 1024;

kernels::SimilarityKind Kind(SimilarityFunction function) {
  switch (function) {
    case SimilarityFunction::kCosine:
      return kernels::SimilarityKind::kCosine;
    case SimilarityFunction::kDot:
      return kernels::SimilarityKind::kDot;
    case SimilarityFunction::kEuclidean:
      return kernels::SimilarityKind::kEuclidean;
    case SimilarityFunction::kManhattan:
      return kernels::SimilarityKind::kManhattan;
  }
  return kernels::SimilarityKind::kCosine;
}

class CudaScorer final : public Scorer {
 public:
  CudaScorer(int ordinal, int width, std::chrono::milliseconds hang_timeout);

  absl::Status Error() const;
  // CUDA loads a kernel when it is first used, which takes memory: here every form uses its own.
  absl::Status WarmUp(int width);

  absl::Status Pairs(SimilarityFunction function, std::span<const float> a,
                     std::span<const float> b, int width, std::span<float> scores) override;
  absl::Status Matrix(SimilarityFunction function, std::span<const float> a,
                      std::span<const float> b, int width, std::span<float> scores) override;
  absl::Status Best(SimilarityFunction function, std::span<const float> a, std::span<const float> b,
                    int width, int k, std::span<float> scores,
                    std::span<uint32_t> columns) override;

 private:
  // Rows [first, first + kBlock) of a side, as far as there are: copied to the device, normalised
  // for the cosine.
  kernels::Tensor Upload(SimilarityFunction function, std::span<const float> side, int width,
                         int first, const kernels::PinnedBuffer& staging, kernels::Tensor room);
  // `bytes` of `from`, at `offset` of down_ once Finish() says OK.
  void Download(const void* from, std::size_t offset, std::size_t bytes) {
    stream_.CopyToHost(down_.data() + offset, from, bytes);
  }
  absl::Status Finish() {
    stream_.Synchronize();
    return Error();
  }
  // After the last look at down_: was the device well all along?
  absl::Status WasWell() {
    stream_.Recheck();
    return Error();
  }

  const int ordinal_;
  std::mutex mutex_;
  kernels::Stream stream_;
  kernels::DeviceBuffer memory_;
  CudaScorerMemory on_device_;
  kernels::PinnedBuffer up_a_, up_b_, down_;
};

CudaScorer::CudaScorer(int ordinal, int width, std::chrono::milliseconds hang_timeout)
    : ordinal_(ordinal), stream_(ordinal) {
  stream_.set_patience(hang_timeout);
  kernels::Arena measure(nullptr);
  CudaScorerMemory::Cut(measure, width);
  memory_ = kernels::DeviceBuffer(stream_, measure.used());
  kernels::Arena arena(memory_.data());
  on_device_ = CudaScorerMemory::Cut(arena, width);
  up_a_ = kernels::PinnedBuffer(stream_, on_device_.a.bytes());
  up_b_ = kernels::PinnedBuffer(stream_, on_device_.b.bytes());
  const std::size_t best =
      on_device_.best.bytes() + on_device_.best.size() * sizeof(*on_device_.best_columns);
  down_ = kernels::PinnedBuffer(stream_, std::max(on_device_.scores.bytes(), best));
}

absl::Status CudaScorer::Error() const {
  if (stream_.ok()) return absl::OkStatus();
  return absl::DataLossError(fmt::format("cuda:{}: {}", ordinal_, stream_.error()));
}

absl::Status CudaScorer::WarmUp(int width) {
  const std::vector<float> row(static_cast<std::size_t>(width));
  float score = 0;
  uint32_t column = 0;
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    RETURN_IF_ERROR(Pairs(function, row, row, width, {&score, 1}));
    RETURN_IF_ERROR(Matrix(function, row, row, width, {&score, 1}));
    RETURN_IF_ERROR(Best(function, row, row, width, 1, {&score, 1}, {&column, 1}));
  }
  return absl::OkStatus();
}

kernels::Tensor CudaScorer::Upload(SimilarityFunction function, std::span<const float> side,
                                   int width, int first, const kernels::PinnedBuffer& staging,
                                   kernels::Tensor room) {
  const auto begin = static_cast<std::size_t>(first) * static_cast<std::size_t>(width);
  const auto most = static_cast<std::size_t>(kBlock) * static_cast<std::size_t>(width);
  const std::span<const float> part = side.subspan(begin, std::min(most, side.size() - begin));
  std::memcpy(staging.data(), part.data(), part.size_bytes());
  stream_.CopyToDevice(room.data, staging.data(), part.size_bytes());
  const kernels::Tensor rows{room.data, kernels::DType::kFp32,
                             static_cast<int>(part.size()) / width, width};
  if (function == SimilarityFunction::kCosine) {
    kernels::NormalizeRows(stream_, rows, NormalizeModule::kEps, rows);
  }
  return rows;
}

absl::Status CudaScorer::Pairs(SimilarityFunction function, std::span<const float> a,
                               std::span<const float> b, int width, std::span<float> scores) {
  const std::lock_guard lock(mutex_);
  stream_.MakeCurrent();
  const int n = static_cast<int>(scores.size());
  for (int first = 0; first < n; first += kBlock) {
    const kernels::Tensor left = Upload(function, a, width, first, up_a_, on_device_.a);
    const kernels::Tensor right = Upload(function, b, width, first, up_b_, on_device_.b);
    const kernels::Tensor out{on_device_.scores.data, kernels::DType::kFp32, 1, left.rows};
    kernels::PairwiseSimilarity(stream_, Kind(function), left, right, out);
    Download(out.data, 0, out.bytes());
    RETURN_IF_ERROR(Finish());
    std::memcpy(scores.data() + first, down_.data(), out.bytes());
  }
  return WasWell();
}

absl::Status CudaScorer::Matrix(SimilarityFunction function, std::span<const float> a,
                                std::span<const float> b, int width, std::span<float> scores) {
  const std::lock_guard lock(mutex_);
  stream_.MakeCurrent();
  const int n = static_cast<int>(a.size()) / width, m = static_cast<int>(b.size()) / width;
  for (int row = 0; row < n; row += kBlock) {
    const kernels::Tensor left = Upload(function, a, width, row, up_a_, on_device_.a);
    for (int column = 0; column < m; column += kBlock) {
      const kernels::Tensor right = Upload(function, b, width, column, up_b_, on_device_.b);
      const kernels::Tensor out{on_device_.scores.data, kernels::DType::kFp32, left.rows,
                                right.rows};
      kernels::SimilarityMatrix(stream_, Kind(function), left, right, out);
      Download(out.data, 0, out.bytes());
      RETURN_IF_ERROR(Finish());
      const auto line = static_cast<std::size_t>(right.rows) * sizeof(float);
      for (int i = 0; i < left.rows; ++i) {
        float* const to = scores.data() +
                          static_cast<std::size_t>(row + i) * static_cast<std::size_t>(m) + column;
        std::memcpy(to, down_.data() + static_cast<std::size_t>(i) * line, line);
      }
    }
  }
  return WasWell();
}

absl::Status CudaScorer::Best(SimilarityFunction function, std::span<const float> a,
                              std::span<const float> b, int width, int k, std::span<float> scores,
                              std::span<uint32_t> columns) {
  const int n = static_cast<int>(a.size()) / width, m = static_cast<int>(b.size()) / width;
  if (m > kBlock || k > kernels::kMostBest) {
    return absl::ResourceExhaustedError(
        fmt::format("the best {} of {} columns were asked for; there is room for {} of {}", k, m,
                    kernels::kMostBest, kBlock));
  }
  const std::lock_guard lock(mutex_);
  stream_.MakeCurrent();
  const kernels::Tensor right = Upload(function, b, width, 0, up_b_, on_device_.b);
  for (int row = 0; row < n; row += kBlock) {
    const kernels::Tensor left = Upload(function, a, width, row, up_a_, on_device_.a);
    const kernels::Tensor all{on_device_.scores.data, kernels::DType::kFp32, left.rows, m};
    const kernels::Tensor best{on_device_.best.data, kernels::DType::kFp32, left.rows, k};
    kernels::SimilarityMatrix(stream_, Kind(function), left, right, all);
    kernels::BestOfEachRow(stream_, all, best, on_device_.best_columns);
    Download(best.data, 0, best.bytes());
    Download(on_device_.best_columns, best.bytes(), best.size() * sizeof(uint32_t));
    RETURN_IF_ERROR(Finish());
    const auto at = static_cast<std::size_t>(row) * static_cast<std::size_t>(k);
    std::memcpy(scores.data() + at, down_.data(), best.bytes());
    std::memcpy(columns.data() + at, down_.data() + best.bytes(), best.size() * sizeof(uint32_t));
  }
  return WasWell();
}

}  // namespace

CudaScorerMemory CudaScorerMemory::Cut(kernels::Arena& arena, int width) {
  CudaScorerMemory memory;
  memory.a = arena.TakeTensor(kernels::DType::kFp32, kBlock, width);
  memory.b = arena.TakeTensor(kernels::DType::kFp32, kBlock, width);
  memory.scores = arena.TakeTensor(kernels::DType::kFp32, kBlock, kBlock);
  memory.best = arena.TakeTensor(kernels::DType::kFp32, kBlock, kernels::kMostBest);
  memory.best_columns = arena.TakeArray<uint32_t>(memory.best.size());
  return memory;
}

absl::StatusOr<std::unique_ptr<Scorer>> NewCudaScorer(int ordinal, int width,
                                                      std::chrono::milliseconds hang_timeout) {
  auto scorer = std::make_unique<CudaScorer>(ordinal, width, hang_timeout);
  RETURN_IF_ERROR(scorer->Error());
  RETURN_IF_ERROR(scorer->WarmUp(width));
  return scorer;
}

}  // namespace embedserve
