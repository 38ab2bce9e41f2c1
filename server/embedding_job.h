// The sequences of one request on their way through the queue and the engines, and their rows on
// the way back. Shared by the queue, the workers whose batches hold its sequences, and its request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

class EmbeddingJob {
 public:
  // Called once, without locks held, by the thread that ends the job. OK: all rows are there.
  // Else CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE (the server stops), DATA_LOSS (devices are lost,
  // and it does not run on another) or the engine's own error.
  using Done = absl::AnyInvocable<void(absl::Status)>;

  // At least one sequence; `width` is the engines'. `cancelled` may be set by any thread at any
  // time.
  EmbeddingJob(TokenBatch tokens, std::vector<int32_t> pooling_start, int width, TimePoint deadline,
               std::shared_ptr<const std::atomic<bool>> cancelled, Done done);

  int sequences() const { return static_cast<int>(tokens_.size()); }
  int64_t tokens() const { return static_cast<int64_t>(tokens_.ids.size()); }
  std::span<const int32_t> ids(int sequence) const {
    return tokens_[static_cast<std::size_t>(sequence)];
  }
  int pooling_start(int sequence) const {
    return pooling_start_[static_cast<std::size_t>(sequence)];
  }

  // Why no more work should go into it, or OK.
  absl::Status Stale(TimePoint now) const;

  // Rows [first, first + count) as an engine gave them, (count, width). True if now all rows are
  // there: it is then the caller's to end the job with OK. Disjoint rows may come from several
  // threads.
  bool SetRows(int first, std::span<const float> rows, TimePoint now);
  // Ends the job unless it has ended.
  void End(absl::Status status);

  // Read by `done` when it is told OK.
  std::span<float> rows() { return rows_; }  // (sequences, width)
  // Leaves none behind.
  std::vector<float> TakeRows() { return std::move(rows_); }
  TimePoint finished() const { return finished_; }

  // Set by the queue, under its lock, when the first sequence is taken.
  TimePoint started{};

 private:
  const TokenBatch tokens_;
  const std::vector<int32_t> pooling_start_;
  const int width_;
  const TimePoint deadline_;
  const std::shared_ptr<const std::atomic<bool>> cancelled_;
  Done done_;

  std::vector<float> rows_;
  TimePoint finished_{};
  std::atomic<int> missing_;
  std::atomic<bool> ended_{false};
};

}  // namespace embedserve
