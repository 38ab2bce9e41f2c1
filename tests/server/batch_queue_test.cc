#include "server/batch_queue.h"

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"

namespace embedserve {
namespace {

using JobPtr = std::shared_ptr<EmbeddingJob>;

const TimePoint kNow{};
const TimePoint kLater = kNow + std::chrono::hours(1);

JobPtr JobOf(const std::vector<int>& lengths, TimePoint deadline = kLater,
             std::shared_ptr<std::atomic<bool>> cancelled = {}) {
  TokenBatch tokens;
  for (const int length : lengths) {
    tokens.ids.resize(tokens.ids.size() + static_cast<std::size_t>(length));
    tokens.ends.push_back(static_cast<int32_t>(tokens.ids.size()));
    tokens.truncated.push_back(0);
  }
  if (cancelled == nullptr) cancelled = std::make_shared<std::atomic<bool>>(false);
  return std::make_shared<EmbeddingJob>(tokens, std::vector<int32_t>(lengths.size(), 0), 1,
                                        deadline, cancelled, [](const absl::Status&) {});
}

// "2+1" parts as sizes, for short expectations.
std::vector<int> Counts(const Batch& batch) {
  std::vector<int> counts;
  for (const BatchPart& part : batch.parts) counts.push_back(part.count);
  return counts;
}

class BatchQueueTest : public testing::Test {
 protected:
  Batch Take(TimePoint now = kNow) { return queue_.Take(now, stale_); }

  BatchQueue queue_{{.tokens = 10, .sequences = 4}};
  std::vector<BatchQueue::StaleJob> stale_;
};

TEST_F(BatchQueueTest, AnEmptyQueueGivesAnEmptyBatch) {
  EXPECT_TRUE(Take().parts.empty());
  EXPECT_FALSE(queue_.Holds(0));
}

TEST_F(BatchQueueTest, JobsShareABatchUpToItsTokens) {
  queue_.Push(JobOf({3}));
  queue_.Push(JobOf({4}));
  EXPECT_TRUE(queue_.Holds(7));
  EXPECT_FALSE(queue_.Holds(8));
  EXPECT_FALSE(queue_.Holds(1000));  // as many as fill a batch
  queue_.Push(JobOf({5}));
  EXPECT_TRUE(queue_.Holds(1000));
  const Batch batch = Take();
  EXPECT_EQ(batch.tokens, 7);
  EXPECT_EQ(batch.sequences, 2);
  EXPECT_EQ(queue_.tokens(), 5);
  EXPECT_FALSE(queue_.Holds(1000));
}

TEST_F(BatchQueueTest, SequencesLimitABatchToo) {
  queue_.Push(JobOf({1, 1, 1, 1, 1}));
  EXPECT_TRUE(queue_.Holds(1000));
  EXPECT_EQ(Take().sequences, 4);
  EXPECT_EQ(Take().sequences, 1);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(BatchQueueTest, ALargeJobIsSplitInOrder) {
  const JobPtr job = JobOf({6, 6, 3, 3});
  queue_.Push(job);
  std::vector<std::pair<int, int>> parts;
  while (!queue_.empty()) {
    const Batch batch = Take();
    ASSERT_EQ(batch.parts.size(), 1u);
    EXPECT_LE(batch.tokens, 10);
    parts.emplace_back(batch.parts[0].first, batch.parts[0].count);
  }
  EXPECT_EQ(parts, (std::vector<std::pair<int, int>>{{0, 1}, {1, 2}, {3, 1}}));
  EXPECT_EQ(job->started, kNow);
}

TEST_F(BatchQueueTest, ASmallJobOvertakesALargeOneOnlyOnce) {
  queue_.Push(JobOf({9, 9}));    // tag 18
  queue_.Push(JobOf({2}));       // tag 2
  queue_.Push(JobOf({8}));       // tag 8
  EXPECT_EQ(Take().tokens, 10);  // the two small ones
  // The queue has given 10 tokens: jobs of 8 and more that come now rank behind the large one.
  queue_.Push(JobOf({9}));
  const Batch batch = Take();
  ASSERT_EQ(batch.parts.size(), 1u);
  EXPECT_EQ(batch.parts[0].job->sequences(), 2);
}

TEST_F(BatchQueueTest, WhatDoesNotFitIsPassedOverAndComesNext) {
  queue_.Push(JobOf({4}));
  const JobPtr large = JobOf({7});
  queue_.Push(large);
  queue_.Push(JobOf({1, 1, 7}));  // tag 9, behind the large one
  const Batch first = Take();
  EXPECT_EQ(Counts(first), (std::vector<int>{1, 2}));
  EXPECT_EQ(Take().parts.at(0).job, large);
}

TEST_F(BatchQueueTest, EqualJobsGoInOrderOfArrival) {
  std::vector<JobPtr> jobs;
  for (int i = 0; i < 6; ++i) queue_.Push(jobs.emplace_back(JobOf({5})));
  for (std::size_t i = 0; i < 6; i += 2) {
    const Batch batch = Take();
    ASSERT_EQ(batch.parts.size(), 2u);
    EXPECT_EQ(batch.parts[0].job, jobs[i]);
    EXPECT_EQ(batch.parts[1].job, jobs[i + 1]);
  }
}

TEST_F(BatchQueueTest, StaleJobsLeaveWithTheirReason) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  queue_.Push(JobOf({3}, kLater, cancelled));
  queue_.Push(JobOf({3}, kNow + std::chrono::milliseconds(1)));
  const JobPtr ended = JobOf({3});
  queue_.Push(ended);
  const JobPtr good = JobOf({4});
  queue_.Push(good);
  *cancelled = true;
  ended->End(absl::InternalError("elsewhere"));
  const Batch batch = Take(kNow + std::chrono::milliseconds(1));
  ASSERT_EQ(batch.parts.size(), 1u);
  EXPECT_EQ(batch.parts[0].job, good);
  ASSERT_EQ(stale_.size(), 3u);
  EXPECT_TRUE(absl::IsCancelled(stale_[0].second));
  EXPECT_TRUE(absl::IsDeadlineExceeded(stale_[1].second));
  EXPECT_TRUE(absl::IsFailedPrecondition(stale_[2].second));
  EXPECT_EQ(queue_.tokens(), 0);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(BatchQueueTest, APartlyTakenJobCanGoStale) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  queue_.Push(JobOf({8, 8, 8}, kLater, cancelled));
  EXPECT_EQ(Take().tokens, 8);
  *cancelled = true;
  EXPECT_TRUE(Take().parts.empty());
  EXPECT_EQ(queue_.tokens(), 0);
}

TEST_F(BatchQueueTest, AReturnedBatchComesAgainAsItWasAheadOfAllJobs) {
  const JobPtr large = JobOf({5, 5, 5});
  queue_.Push(large);
  Batch batch = Take();
  batch.outlived_device = true;
  queue_.Push(JobOf({1}));
  EXPECT_EQ(queue_.tokens(), 6);
  queue_.Return(std::move(batch));
  EXPECT_EQ(queue_.tokens(), 16);
  const Batch again = Take();
  ASSERT_EQ(again.parts.size(), 1u);
  EXPECT_EQ(again.parts[0].job, large);
  EXPECT_EQ(again.parts[0].first, 0);
  EXPECT_EQ(again.parts[0].count, 2);
  EXPECT_EQ(again.tokens, 10);
  EXPECT_EQ(again.sequences, 2);
  EXPECT_TRUE(again.again());
  EXPECT_EQ(queue_.tokens(), 6);
  EXPECT_FALSE(Take().again());
  EXPECT_TRUE(queue_.empty());
}

TEST_F(BatchQueueTest, NothingIsStagedBesideAReturnedBatch) {
  queue_.Push(JobOf({10}));
  Batch batch = Take();
  queue_.Push(JobOf({10}));
  EXPECT_TRUE(queue_.Holds(1000));
  queue_.Return(std::move(batch));
  EXPECT_FALSE(queue_.Holds(1000));
  Take();
  EXPECT_TRUE(queue_.Holds(1000));
}

TEST_F(BatchQueueTest, AReturnedBatchLosesWhatWentStale) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  const JobPtr leaves = JobOf({3, 2}, kLater, cancelled);
  const JobPtr stays = JobOf({4});
  queue_.Push(leaves);
  queue_.Push(stays);
  Batch batch = Take();
  ASSERT_EQ(batch.sequences, 3);
  *cancelled = true;
  queue_.Return(batch);
  const Batch again = Take();
  ASSERT_EQ(again.parts.size(), 1u);
  EXPECT_EQ(again.parts[0].job, stays);
  EXPECT_EQ(again.tokens, 4);
  EXPECT_EQ(again.sequences, 1);
  ASSERT_EQ(stale_.size(), 1u);
  EXPECT_EQ(stale_[0].first, leaves);

  stays->End(absl::OkStatus());
  queue_.Return(std::move(batch));
  const JobPtr next = JobOf({1});
  queue_.Push(next);
  EXPECT_EQ(Take().parts.at(0).job, next);  // nothing was left of it
  EXPECT_EQ(queue_.tokens(), 0);
}

TEST_F(BatchQueueTest, TakeAllEmptiesIt) {
  queue_.Push(JobOf({8, 8, 8}));
  queue_.Push(JobOf({8}));
  Take();
  const Batch taken = Take();
  queue_.Return(taken);
  EXPECT_EQ(queue_.TakeAll().size(), 2u);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.tokens(), 0);
}

// Random arrivals between random takes: every sequence is taken exactly once and in order, budgets
// hold, and the head of each batch is the job with the smallest tag, so that nobody starves.
TEST(BatchQueueProperty, RandomJobsAreServedOnceInBudgetAndInOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    const BatchLimits limits{.tokens = 20 + static_cast<int>(random() % 60),
                             .sequences = 1 + static_cast<int>(random() % 16)};
    BatchQueue queue(limits);
    std::vector<BatchQueue::StaleJob> stale;
    std::map<std::pair<int64_t, int>, JobPtr> waiting;  // by tag, then arrival
    std::map<JobPtr, std::pair<int64_t, int>> place;
    std::map<JobPtr, int> next;  // first sequence not taken yet
    int64_t taken = 0;
    int pushed = 0;
    while (pushed < 60 || !queue.empty()) {
      if (pushed < 60 && random() % 3 != 0) {
        std::vector<int> lengths(1 + random() % 12);
        for (int& length : lengths) length = 1 + static_cast<int>(random() % 20);
        const JobPtr job = JobOf(lengths);
        place[job] = {taken + job->tokens(), pushed++};
        waiting[place[job]] = job;
        queue.Push(job);
        continue;
      }
      const Batch batch = queue.Take(kNow, stale);
      ASSERT_EQ(waiting.empty(), batch.parts.empty());
      if (!waiting.empty()) {
        ASSERT_EQ(batch.parts[0].job, waiting.begin()->second);
      }
      int tokens = 0;
      int sequences = 0;
      for (const BatchPart& part : batch.parts) {
        ASSERT_EQ(part.first, next[part.job]);
        next[part.job] += part.count;
        sequences += part.count;
        for (int i = part.first; i < part.first + part.count; ++i) {
          tokens += static_cast<int>(part.job->ids(i).size());
        }
        if (next[part.job] == part.job->sequences()) waiting.erase(place[part.job]);
      }
      taken += tokens;
      ASSERT_EQ(batch.tokens, tokens);
      ASSERT_EQ(batch.sequences, sequences);
      ASSERT_LE(tokens, limits.tokens);
      ASSERT_LE(sequences, limits.sequences);
    }
    ASSERT_TRUE(waiting.empty());
    ASSERT_EQ(queue.tokens(), 0);
  }
}

}  // namespace
}  // namespace embedserve
