#include "server/worker.h"

#include <atomic>
#include <future>
#include <thread>

#include "gtest/gtest.h"
#include "server/scheduler.h"
#include "tests/support/hash_engine.h"

namespace embedserve {
namespace {

constexpr int kWidth = 4;

EncoderConfig Config() {
  EncoderConfig config;
  config.positions = 64;
  return config;
}

// A job of `count` sequences that depend on `seed`; its outcome and rows are checked by Outcome().
struct Submission {
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::promise<absl::Status>> promise =
      std::make_shared<std::promise<absl::Status>>();
  TokenBatch tokens;
  std::shared_ptr<EmbeddingJob> job;

  explicit Submission(int seed, int count, TimePoint deadline = TimePoint::max()) {
    for (int i = 0; i < count; ++i) {
      for (int t = 0; t <= (seed + i) % 9; ++t) tokens.ids.push_back(seed * 100 + i + t);
      tokens.ends.push_back(static_cast<int32_t>(tokens.ids.size()));
      tokens.truncated.push_back(0);
    }
    job = std::make_shared<EmbeddingJob>(
        tokens, std::vector<int32_t>(tokens.size(), 0), kWidth, deadline, cancelled,
        [promise = promise](absl::Status status) { promise->set_value(std::move(status)); });
  }

  absl::Status Outcome() {
    absl::Status status = promise->get_future().get();
    for (std::size_t i = 0; status.ok() && i < tokens.size(); ++i) {
      const std::vector<float> expected = HashRow(tokens[i], 0, kWidth);
      const auto row = job->rows().subspan(i * kWidth, kWidth);
      if (!std::equal(row.begin(), row.end(), expected.begin())) {
        return absl::InternalError("wrong row " + std::to_string(i));
      }
    }
    return status;
  }
};

std::unique_ptr<Engine> NewHashEngine(HashEngine::Fault fault = {}) {
  return std::make_unique<HashEngine>(
      kWidth, EngineOptions{.max_batch_tokens = 32, .max_batch_sequences = 8}, std::move(fault));
}

constexpr BatchLimits kLimits{.tokens = 32, .sequences = 8};

TEST(Worker, ManyThreadsAndWorkersEveryRowRight) {
  Scheduler scheduler(kLimits, 1 << 20);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(std::make_unique<Worker>(scheduler, NewHashEngine(), Config()));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 100; ++i) {
        Submission submission(caller * 1000 + i, 1 + i % 30);
        if (!scheduler.Submit(submission.job).ok() || !submission.Outcome().ok()) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(scheduler.queued_tokens(), 0);
  scheduler.Stop();
}

TEST(Worker, AFailedBatchFailsItsJobsAndNoOthers) {
  Scheduler scheduler(kLimits, 1 << 20);
  const Worker worker(scheduler, NewHashEngine([](const PackedBatch& batch) {
                        const bool poison = batch.ids.front() == 700;
                        return poison ? absl::InternalError("poison") : absl::OkStatus();
                      }),
                      Config());
  Submission poison(7, 1);
  ASSERT_TRUE(scheduler.Submit(poison.job).ok());
  EXPECT_TRUE(absl::IsInternal(poison.Outcome()));
  Submission good(8, 20);
  ASSERT_TRUE(scheduler.Submit(good.job).ok());
  EXPECT_TRUE(good.Outcome().ok());
  scheduler.Stop();
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
