// The one place where requests meet engines: a batch queue behind the only lock on the way of a
// request, admission by queued tokens, workers waiting for batches, and what failed on its way back
// to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/batch_queue.h"
#include "server/embedding_job.h"
#include "server/mutex.h"

namespace embedserve {

class Scheduler {
 public:
  // `max_tokens`: most that may wait; a job is taken whole or not at all, and whatever its size if
  // nothing waits.
  Scheduler(BatchLimits limits, int64_t max_tokens) : max_tokens_(max_tokens), queue_(limits) {}

  // RESOURCE_EXHAUSTED if it does not fit the queue, UNAVAILABLE after Stop, DATA_LOSS once the
  // last worker has left; the job is then not ended.
  absl::Status Submit(std::shared_ptr<EmbeddingJob> job) ABSL_LOCKS_EXCLUDED(mutex_);

  // For a worker with nothing in flight: waits for work, as little as it is: never a timer. None
  // after Stop. Ends stale jobs on the way.
  std::optional<Batch> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // For a worker with a batch in flight: a batch only if at least `tokens` wait or it can be
  // filled, and no worker is idle, who will take it. Does not wait, and is cheap where there is
  // nothing.
  std::optional<Batch> TakeAtLeast(int tokens) ABSL_LOCKS_EXCLUDED(mutex_);

  // Batches of a worker that its engine did not finish because of `error`. They run again as far as
  // failed_batch.h allows. After Stop and once the last worker has left nothing runs any more: all
  // that is queued ends, with UNAVAILABLE or DATA_LOSS.
  void Failed(std::vector<Batch> batches, const absl::Status& error) ABSL_LOCKS_EXCLUDED(mutex_);

  // A worker joins before its first Take. It leaves if its device is lost, before it tells of the
  // batches that failed; returns how many workers are left.
  void Join() ABSL_LOCKS_EXCLUDED(mutex_);
  int Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  // A worker reports a batch done: feeds the rate behind ExpectedDelay.
  void Report(int tokens, Clock::duration took) ABSL_LOCKS_EXCLUDED(mutex_);
  // Until what is queued now will have been computed; an estimate, zero before the first batch.
  std::chrono::milliseconds ExpectedDelay() const ABSL_LOCKS_EXCLUDED(mutex_);

  int idle_workers() const ABSL_LOCKS_EXCLUDED(mutex_);  // that wait in Take
  int64_t queued_tokens() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Lets workers go and ends all that is queued with UNAVAILABLE. Again: no effect.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Batch TakeNow(std::vector<BatchQueue::StaleJob>& stale) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t max_tokens_;
  mutable Mutex mutex_;
  ConditionVariable work_;
  BatchQueue queue_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int workers_ ABSL_GUARDED_BY(mutex_) = 0;
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;                  // workers that wait in Take
  bool deserted_ ABSL_GUARDED_BY(mutex_) = false;         // the last worker has left
  double tokens_per_second_ ABSL_GUARDED_BY(mutex_) = 0;  // of one worker
};

}  // namespace embedserve
