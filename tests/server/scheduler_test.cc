// The scheduler with workers on it.
#include "server/scheduler.h"

#include <atomic>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "server/worker.h"
#include "tests/server/submission.h"
#include "tests/support/hash_engine.h"

namespace embedserve {
namespace {

TEST(Scheduler, WhatWaitsIsForAnIdleWorkerFirst) {
  Scheduler scheduler(kLimits, 1 << 20);
  Submission first(7, 1), second(7, 1);  // 8 tokens each
  ASSERT_TRUE(scheduler.Submit(first.job).ok());
  EXPECT_FALSE(scheduler.TakeAtLeast(9).has_value());
  EXPECT_TRUE(scheduler.TakeAtLeast(8).has_value());
  EXPECT_FALSE(scheduler.TakeAtLeast(0).has_value());
  std::optional<Batch> taken;
  std::thread idle([&] { taken = scheduler.Take(); });
  while (scheduler.idle_workers() == 0) std::this_thread::yield();
  ASSERT_TRUE(scheduler.Submit(second.job).ok());
  EXPECT_FALSE(scheduler.TakeAtLeast(1).has_value());
  idle.join();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->tokens, 8);
}

// An engine that holds its first batch until told to go on.
class GatedWorker : public testing::Test {
 protected:
  void SubmitAndHold(Submission& first) {
    ASSERT_TRUE(scheduler_.Submit(first.job).ok());
    held_.get_future().wait();
  }
  void Release() { gate_.set_value(); }

  Scheduler scheduler_{kLimits, 40};
  std::promise<void> held_, gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  std::atomic<int> batches_{0};
  std::vector<int> sizes_;  // written by the worker's thread
  Worker worker_{scheduler_, NewHashEngine([this](const PackedBatch& batch) {
                   if (batches_++ == 0) held_.set_value();
                   open_.wait();
                   sizes_.push_back(batch.sequences());
                   return absl::OkStatus();
                 }),
                 Config()};
};

TEST_F(GatedWorker, WhatArrivesDuringABatchSharesTheNext) {
  Submission first(1, 1);
  SubmitAndHold(first);
  Submission a(1, 1), b(2, 1), c(3, 1);
  for (Submission* one : {&a, &b, &c}) ASSERT_TRUE(scheduler_.Submit(one->job).ok());
  Release();
  for (Submission* one : {&first, &a, &b, &c}) EXPECT_TRUE(one->Outcome().ok());
  scheduler_.Stop();
  EXPECT_EQ(batches_, 2);
  EXPECT_EQ(sizes_.back(), 3);
}

TEST_F(GatedWorker, ExpiredAndCancelledJobsAreDroppedAtDequeue) {
  Submission first(1, 1);
  SubmitAndHold(first);
  Submission expired(2, 1, Clock::now()), left(3, 1), good(4, 1);
  for (Submission* one : {&expired, &left, &good}) ASSERT_TRUE(scheduler_.Submit(one->job).ok());
  *left.cancelled = true;
  Release();
  EXPECT_TRUE(absl::IsDeadlineExceeded(expired.Outcome()));
  EXPECT_TRUE(absl::IsCancelled(left.Outcome()));
  EXPECT_TRUE(good.Outcome().ok());
  scheduler_.Stop();
  EXPECT_EQ(batches_, 2);
}

TEST_F(GatedWorker, TheQueueIsBoundedButTakesAnythingWhenEmpty) {
  Submission first(1, 1);
  SubmitAndHold(first);
  Submission large(9, 30);  // more tokens than the queue may hold
  ASSERT_GT(large.job->tokens(), 40);
  ASSERT_TRUE(scheduler_.Submit(large.job).ok());
  Submission refused(5, 1);
  const absl::Status status = scheduler_.Submit(refused.job);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_NE(std::string(status.message()).find("--max-queue-tokens"), std::string::npos);
  Release();
  EXPECT_TRUE(large.Outcome().ok());
  EXPECT_GE(scheduler_.ExpectedDelay().count(), 0);
  scheduler_.Stop();
}

TEST(Scheduler, AfterAStopNothingRunsAgain) {
  Scheduler scheduler(kLimits, 1 << 20);
  Submission submission(1, 1);
  ASSERT_TRUE(scheduler.Submit(submission.job).ok());
  const Worker worker(scheduler, NewHashEngine([&](const PackedBatch&) {
                        scheduler.Stop();
                        return absl::InternalError("failed");
                      }),
                      Config());
  EXPECT_TRUE(absl::IsUnavailable(submission.Outcome()));
}

TEST_F(GatedWorker, StopEndsWhatIsQueuedAndRefusesMore) {
  Submission first(1, 1);
  SubmitAndHold(first);
  Submission queued(2, 1), late(3, 1);
  ASSERT_TRUE(scheduler_.Submit(queued.job).ok());
  scheduler_.Stop();
  EXPECT_TRUE(absl::IsUnavailable(queued.Outcome()));
  EXPECT_TRUE(absl::IsUnavailable(scheduler_.Submit(late.job)));
  Release();
  EXPECT_TRUE(first.Outcome().ok());  // its batch was running
}

}  // namespace
}  // namespace embedserve
