#include "server/embedding_job.h"

#include <algorithm>
#include <utility>

namespace embedserve {

EmbeddingJob::EmbeddingJob(TokenBatch tokens, std::vector<int32_t> pooling_start, int width,
                           TimePoint deadline, std::shared_ptr<const std::atomic<bool>> cancelled,
                           Done done)
    : tokens_(std::move(tokens)),
      pooling_start_(std::move(pooling_start)),
      width_(width),
      deadline_(deadline),
      cancelled_(std::move(cancelled)),
      done_(std::move(done)),
      rows_(tokens_.size() * static_cast<std::size_t>(width)),
      missing_(sequences()) {}

absl::Status EmbeddingJob::Stale(TimePoint now) const {
  if (ended_.load(std::memory_order_acquire)) {
    return absl::FailedPreconditionError("the job has ended");
  }
  if (cancelled_->load(std::memory_order_relaxed)) {
    return absl::CancelledError("the caller has left");
  }
  if (now >= deadline_) {
    return absl::DeadlineExceededError(
        "the deadline passed while the request was queued; allow more time or send less at a time");
  }
  return absl::OkStatus();
}

bool EmbeddingJob::SetRows(int first, std::span<const float> rows, TimePoint now) {
  const auto width = static_cast<std::size_t>(width_);
  std::copy(rows.begin(), rows.end(), rows_.begin() + static_cast<std::ptrdiff_t>(first) * width_);
  const int count = static_cast<int>(rows.size() / width);
  // acq_rel: whoever brings the last row sees the rows of all others.
  if (missing_.fetch_sub(count, std::memory_order_acq_rel) != count) return false;
  finished_ = now;
  return true;
}

void EmbeddingJob::End(absl::Status status) {
  if (!ended_.exchange(true, std::memory_order_acq_rel)) done_(std::move(status));
}

}  // namespace embedserve
