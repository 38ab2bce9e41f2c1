// Which sequences go into the next batch. Policy only: no thread, no lock, no clock.
//
// Order: a job gets a tag when it comes, the tokens taken from the queue so far plus its own
// tokens, and the smallest tag goes first. Small jobs overtake large ones, but once as many tokens
// were taken as a job has itself, nobody who comes later overtakes it. Equal tags go in order of
// arrival.
//
// A batch takes sequences in that order up to its budget. A job whose next sequence does not fit is
// passed over for up to kLookAhead others; the first of the order always fits an empty batch, so
// nobody starves. Large jobs are split wherever a batch ends. Batches that failed and were returned
// (failed_batch.h) go before all jobs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/engine/engine.h"
#include "server/embedding_job.h"

namespace embedserve {

// Sequences [first, first + count) of a job.
struct BatchPart {
  std::shared_ptr<EmbeddingJob> job;
  int first = 0;
  int count = 0;

  int tokens() const;
};

// The rows of a batch belong to its parts in this order.
struct Batch {
  std::vector<BatchPart> parts;
  int tokens = 0;
  int sequences = 0;

  bool begun = false;            // an engine has taken it
  bool outlived_device = false;  // it was in flight on a device that was lost
  bool split = false;            // the rest of a batch that failed: one part of it
  // Is it run for another time? Then with nothing else in flight on its engine: should it fail
  // again, it takes no other with it.
  bool again() const { return outlived_device || split; }
};

class BatchQueue {
 public:
  static constexpr int kLookAhead = 32;
  using StaleJob = std::pair<std::shared_ptr<EmbeddingJob>, absl::Status>;

  // `limits.tokens`: at least as many as the longest sequence.
  explicit BatchQueue(BatchLimits limits) : limits_(limits) {}

  void Push(std::shared_ptr<EmbeddingJob> job);
  // A batch that was taken and comes back: Take gives it again, without what went stale meanwhile.
  void Return(Batch batch);

  // The next batch; without parts if the queue holds nothing to do. Jobs found stale on the way
  // leave the queue and are appended to `stale`, for the caller to end.
  Batch Take(TimePoint now, std::vector<StaleJob>& stale);

  // Empties the queue. A job may come more than once.
  std::vector<std::shared_ptr<EmbeddingJob>> TakeAll();

  bool empty() const { return jobs_.empty() && returned_.empty(); }
  int64_t tokens() const { return tokens_; }  // not yet taken, or returned
  // Do so many tokens wait, or enough to fill a batch, that may run beside another batch? What is
  // stale counts.
  bool Holds(int tokens) const {
    return returned_.empty() && !jobs_.empty() &&
           (tokens_ >= std::min(tokens, limits_.tokens) || sequences_ >= limits_.sequences);
  }

 private:
  struct Entry {
    int64_t tag;
    int64_t arrival;
    std::shared_ptr<EmbeddingJob> job;
    mutable int next = 0;  // first sequence not taken; not part of the order
    bool operator<(const Entry& other) const {
      return tag != other.tag ? tag < other.tag : arrival < other.arrival;
    }
  };
  using Entries = std::set<Entry>;

  void TakeFrom(const Entry& entry, TimePoint now, Batch& batch);
  Batch TakeReturned(TimePoint now, std::vector<StaleJob>& stale);
  Entries::iterator Remove(Entries::iterator entry);

  const BatchLimits limits_;
  Entries jobs_;
  std::deque<Batch> returned_;
  int64_t tokens_ = 0;
  int64_t sequences_ = 0;  // of jobs_
  int64_t taken_ = 0;      // tokens, ever
  int64_t arrivals_ = 0;
};

}  // namespace embedserve
