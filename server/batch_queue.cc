#include "server/batch_queue.h"

namespace embedserve {

int BatchPart::tokens() const {
  int tokens = 0;
  for (int i = first; i < first + count; ++i) tokens += static_cast<int>(job->ids(i).size());
  return tokens;
}

void BatchQueue::Push(std::shared_ptr<EmbeddingJob> job) {
  tokens_ += job->tokens();
  sequences_ += job->sequences();
  const int64_t tag = taken_ + job->tokens();
  jobs_.insert(Entry{.tag = tag, .arrival = arrivals_++, .job = std::move(job)});
}

void BatchQueue::Return(Batch batch) {
  tokens_ += batch.tokens;
  returned_.push_back(std::move(batch));
}

Batch BatchQueue::TakeReturned(TimePoint now, std::vector<StaleJob>& stale) {
  Batch batch = std::move(returned_.front());
  returned_.pop_front();
  tokens_ -= batch.tokens;
  std::erase_if(batch.parts, [&](const BatchPart& part) {
    absl::Status status = part.job->Stale(now);
    if (status.ok()) return false;
    stale.emplace_back(part.job, std::move(status));
    batch.tokens -= part.tokens();
    batch.sequences -= part.count;
    return true;
  });
  return batch;
}

Batch BatchQueue::Take(TimePoint now, std::vector<StaleJob>& stale) {
  while (!returned_.empty()) {
    Batch batch = TakeReturned(now, stale);
    if (!batch.parts.empty()) return batch;
  }
  Batch batch;
  int looked_at = 0;
  for (auto entry = jobs_.begin(); entry != jobs_.end() && looked_at < kLookAhead;) {
    if (absl::Status status = entry->job->Stale(now); !status.ok()) {
      stale.emplace_back(entry->job, std::move(status));
      entry = Remove(entry);
      continue;
    }
    TakeFrom(*entry, now, batch);
    ++looked_at;
    entry = entry->next == entry->job->sequences() ? Remove(entry) : std::next(entry);
    if (batch.tokens == limits_.tokens || batch.sequences == limits_.sequences) break;
  }
  return batch;
}

void BatchQueue::TakeFrom(const Entry& entry, TimePoint now, Batch& batch) {
  const int first = entry.next;
  while (entry.next < entry.job->sequences() && batch.sequences < limits_.sequences) {
    const int length = static_cast<int>(entry.job->ids(entry.next).size());
    if (batch.tokens + length > limits_.tokens) break;
    batch.tokens += length;
    ++batch.sequences;
    ++entry.next;
    --sequences_;
    tokens_ -= length;
    taken_ += length;
  }
  if (entry.next == first) return;
  if (first == 0) entry.job->started = now;
  batch.parts.push_back({.job = entry.job, .first = first, .count = entry.next - first});
}

BatchQueue::Entries::iterator BatchQueue::Remove(Entries::iterator entry) {
  for (int i = entry->next; i < entry->job->sequences(); ++i) {
    tokens_ -= static_cast<int64_t>(entry->job->ids(i).size());
    --sequences_;
  }
  return jobs_.erase(entry);
}

std::vector<std::shared_ptr<EmbeddingJob>> BatchQueue::TakeAll() {
  std::vector<std::shared_ptr<EmbeddingJob>> all;
  for (const Batch& batch : returned_) {
    for (const BatchPart& part : batch.parts) all.push_back(part.job);
  }
  for (const Entry& entry : jobs_) all.push_back(entry.job);
  returned_.clear();
  jobs_.clear();
  tokens_ = 0;
  sequences_ = 0;
  return all;
}

}  // namespace embedserve
