#include "server/scheduler.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "server/failed_batch.h"

namespace embedserve {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

void EndStale(std::vector<BatchQueue::StaleJob>& stale) {
  for (auto& [job, status] : stale) job->End(std::move(status));
}

constexpr char kDeserted[] = "every device of this server is lost; another replica can help";

}  // namespace

absl::Status Scheduler::Submit(std::shared_ptr<EmbeddingJob> job) {
  const int64_t tokens = job->tokens();
  {
    const MutexLock lock(mutex_);
    if (stopped_) return Stopping();
    if (deserted_) return absl::DataLossError(kDeserted);
    if (!queue_.empty() && queue_.tokens() + tokens > max_tokens_) {
      return absl::ResourceExhaustedError(fmt::format(
          "{} tokens are queued and the request has {}; the limit is {} (--max-queue-tokens)",
          queue_.tokens(), tokens, max_tokens_));
    }
    queue_.Push(std::move(job));
  }
  work_.NotifyOne();
  return absl::OkStatus();
}

std::optional<Batch> Scheduler::Take() {
  while (true) {
    std::vector<BatchQueue::StaleJob> stale;
    Batch batch;
    {
      const MutexLock lock(mutex_);
      ++idle_;
      while (!stopped_ && queue_.empty()) work_.Wait(mutex_);
      --idle_;
      if (stopped_) return std::nullopt;
      batch = TakeNow(stale);
    }
    EndStale(stale);
    if (!batch.parts.empty()) return batch;
  }
}

std::optional<Batch> Scheduler::TakeAtLeast(int tokens) {
  std::vector<BatchQueue::StaleJob> stale;
  Batch batch;
  {
    const MutexLock lock(mutex_);
    if (stopped_ || idle_ > 0 || !queue_.Holds(tokens)) return std::nullopt;
    batch = TakeNow(stale);
  }
  EndStale(stale);
  return batch.parts.empty() ? std::nullopt : std::optional(std::move(batch));
}

Batch Scheduler::TakeNow(std::vector<BatchQueue::StaleJob>& stale) {
  Batch batch = queue_.Take(Clock::now(), stale);
  // One notification may have stood for several jobs; another worker may take the rest.
  if (!queue_.empty()) work_.NotifyOne();
  return batch;
}

void Scheduler::Failed(std::vector<Batch> batches, const absl::Status& error) {
  std::vector<Batch> again;
  for (Batch& batch : batches) {
    std::ranges::move(AfterFailure(std::move(batch), error), std::back_inserter(again));
  }
  std::vector<std::shared_ptr<EmbeddingJob>> left;
  absl::Status why;
  {
    const MutexLock lock(mutex_);
    for (Batch& batch : again) queue_.Return(std::move(batch));
    if (stopped_ || deserted_) {
      left = queue_.TakeAll();
      why =
          stopped_
              ? Stopping()
              : absl::DataLossError(fmt::format("{}: {}", kDeserted, std::string(error.message())));
    }
  }
  work_.NotifyAll();
  for (const auto& job : left) job->End(why);
}

void Scheduler::Join() {
  const MutexLock lock(mutex_);
  ++workers_;
}

int Scheduler::Leave() {
  const MutexLock lock(mutex_);
  deserted_ = --workers_ == 0;
  return workers_;
}

void Scheduler::Report(int tokens, Clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  if (seconds <= 0) return;
  const double rate = tokens / seconds;
  constexpr double kWeightOfNewest = 0.1;
  const MutexLock lock(mutex_);
  tokens_per_second_ = tokens_per_second_ == 0
                           ? rate
                           : tokens_per_second_ + kWeightOfNewest * (rate - tokens_per_second_);
}

std::chrono::milliseconds Scheduler::ExpectedDelay() const {
  const MutexLock lock(mutex_);
  if (tokens_per_second_ == 0) return std::chrono::milliseconds(0);
  const double seconds = static_cast<double>(queue_.tokens()) / tokens_per_second_;
  return std::chrono::milliseconds(static_cast<int64_t>(1000 * seconds));
}

int Scheduler::idle_workers() const {
  const MutexLock lock(mutex_);
  return idle_;
}

int64_t Scheduler::queued_tokens() const {
  const MutexLock lock(mutex_);
  return queue_.tokens();
}

void Scheduler::Stop() {
  std::vector<std::shared_ptr<EmbeddingJob>> left;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    left = queue_.TakeAll();
  }
  work_.NotifyAll();
  for (const auto& job : left) job->End(Stopping());
}

}  // namespace embedserve
