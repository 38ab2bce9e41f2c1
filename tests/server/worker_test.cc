#include "server/worker.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "server/scheduler.h"
#include "tests/server/submission.h"
#include "tests/support/hash_engine.h"

namespace embedserve {
namespace {

TEST(Worker, ManyThreadsAndWorkersEveryRowRight) {
  Scheduler scheduler(kLimits, 1 << 20);
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    workers.push_back(std::make_unique<Worker>(scheduler, NewHashEngine(), Config()));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  callers.reserve(8);
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

// Fails every batch with a sequence of this seed in it.
constexpr int kPoison = 17;
bool IsPoisoned(const PackedBatch& batch) {
  return std::ranges::any_of(batch.ids, [](int32_t id) { return id / 100 == kPoison; });
}

TEST(Worker, ABadRequestFailsAloneWithTheEnginesError) {
  Scheduler scheduler(kLimits, 1 << 20);
  Submission good(3, 1), poison(kPoison, 1), large(8, 20);
  for (Submission* one : {&good, &poison, &large}) {
    ASSERT_TRUE(scheduler.Submit(one->job).ok());  // before the worker, so that they share a batch
  }
  int batches = 0;
  const Worker worker(scheduler, NewHashEngine([&](const PackedBatch& batch) {
                        ++batches;
                        return IsPoisoned(batch) ? absl::InternalError("poison") : absl::OkStatus();
                      }),
                      Config());
  EXPECT_TRUE(absl::IsInternal(poison.Outcome()));
  EXPECT_TRUE(good.Outcome().ok());
  EXPECT_TRUE(large.Outcome().ok());
  scheduler.Stop();
}

// What a worker says of its device.
struct LossLog {
  std::mutex mutex;
  std::vector<int> left;
  Worker::DeviceLost Listener() {
    return [this](const absl::Status& error, int still) {
      EXPECT_TRUE(absl::IsDataLoss(error));
      const std::lock_guard lock(mutex);
      left.push_back(still);
    };
  }
};

// One engine is lost with two batches in flight while the other is busy; that one then computes
// both, one at a time.
TEST(Worker, BothBatchesOfALostDeviceRunAgainOnAnother) {
  Scheduler scheduler(kLimits, 1 << 20);
  Submission job(8, 60);
  ASSERT_TRUE(scheduler.Submit(job.job).ok());
  std::promise<void> gate, held;
  LossLog log;
  std::vector<std::size_t> beside;  // batches in flight beside the one collected
  HashEngine* engine = nullptr;
  auto busy = NewHashEngine([&](const PackedBatch&) {
    if (beside.empty()) {
      held.set_value();
      gate.get_future().wait();
    }
    beside.push_back(engine->in_flight());
    return absl::OkStatus();
  });
  engine = busy.get();
  const Worker stays(scheduler, std::move(busy), Config(), log.Listener());
  held.get_future().wait();
  const int64_t queued = scheduler.queued_tokens();
  std::promise<void> gone;
  const Worker goes(scheduler,
                    NewHashEngine([](const PackedBatch&) { return absl::DataLossError("gone"); }),
                    Config(), [&](const absl::Status& error, int left) {
                      log.Listener()(error, left);
                      gone.set_value();
                    });
  gone.get_future().wait();
  while (scheduler.queued_tokens() != queued) std::this_thread::yield();
  gate.set_value();
  EXPECT_TRUE(job.Outcome().ok());
  scheduler.Stop();
  EXPECT_EQ(log.left, (std::vector<int>{1}));
  // The first two of the large job were in flight together when it was held; the next two ran
  // alone.
  ASSERT_GE(beside.size(), 4u);
  EXPECT_EQ(beside[0], 1u);
  EXPECT_EQ(beside[2], 0u);
  EXPECT_EQ(beside[3], 0u);
}

TEST(Worker, WhenTheLastDeviceIsLostAllWhoWaitAreTold) {
  Scheduler scheduler(kLimits, 1 << 20);
  std::vector<std::unique_ptr<Submission>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<Submission>(i, 5));
    ASSERT_TRUE(scheduler.Submit(waiting.back()->job).ok());
  }
  LossLog log;
  const Worker worker(scheduler,
                      NewHashEngine([](const PackedBatch&) { return absl::DataLossError("gone"); }),
                      Config(), log.Listener());
  for (const auto& submission : waiting) {
    const absl::Status status = submission->Outcome();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_NE(std::string(status.message()).find("gone"), std::string::npos) << status;
  }
  EXPECT_EQ(log.left, (std::vector<int>{0}));
  EXPECT_EQ(scheduler.queued_tokens(), 0);
  Submission late(3, 1);
  EXPECT_TRUE(absl::IsDataLoss(scheduler.Submit(late.job)));
}

TEST(Worker, ARequestThatKillsDevicesTakesTwo) {
  Scheduler scheduler(kLimits, 1 << 20);
  LossLog log;
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    workers.push_back(std::make_unique<Worker>(
        scheduler, NewHashEngine([](const PackedBatch& batch) {
          return IsPoisoned(batch) ? absl::DataLossError("gone") : absl::OkStatus();
        }),
        Config(), log.Listener()));
  }
  Submission poison(kPoison, 1);
  ASSERT_TRUE(scheduler.Submit(poison.job).ok());
  const absl::Status status = poison.Outcome();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(std::string(status.message()).find("two devices"), std::string::npos) << status;
  Submission good(3, 20);
  ASSERT_TRUE(scheduler.Submit(good.job).ok());
  EXPECT_TRUE(good.Outcome().ok());
  scheduler.Stop();
  EXPECT_EQ(log.left, (std::vector<int>{2, 1}));
}

// As GPUs of one process do: the second is gone before it takes what the first gives back.
TEST(Worker, DevicesThatFallTogetherAreNoFaultOfTheRequest) {
  Scheduler scheduler(kLimits, 1 << 20);
  std::atomic<bool> gone{false};
  LossLog log;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < 2; ++i) {
    auto engine = NewHashEngine([&](const PackedBatch&) {
      gone = true;
      return absl::DataLossError("trap");
    });
    engine->device_state = [&] {
      return gone ? absl::DataLossError("gone with the other") : absl::OkStatus();
    };
    workers.push_back(
        std::make_unique<Worker>(scheduler, std::move(engine), Config(), log.Listener()));
  }
  Submission one(3, 1);
  ASSERT_TRUE(scheduler.Submit(one.job).ok());
  const absl::Status status = one.Outcome();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(std::string(status.message()),
            "every device of this server is lost; another replica can help: gone with the other");
  workers.clear();
  EXPECT_EQ(log.left, (std::vector<int>{1, 0}));
}

// Three of four devices are lost under load, and poison comes in between: whoever asked for what
// can be computed has it, right.
TEST(Worker, NoCallerNoticesTheLossOfDevicesNorTheFaultsOfOthers) {
  Scheduler scheduler(kLimits, 1 << 20);
  LossLog log;
  std::atomic<int> batches{0};
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    workers.push_back(std::make_unique<Worker>(
        scheduler, NewHashEngine([&](const PackedBatch& batch) {
          const int number = ++batches;
          if (number <= 300 && number % 100 == 0) {
            return absl::DataLossError("gone");
          }
          return IsPoisoned(batch) ? absl::InternalError("poison") : absl::OkStatus();
        }),
        Config(), log.Listener()));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  callers.reserve(8);
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 100; ++i) {
        const bool poison = i % 10 == 3;
        Submission submission(poison ? kPoison : 1000 + caller * 1000 + i, 1 + i % 30);
        const bool taken = scheduler.Submit(submission.job).ok();
        if (!taken || absl::IsInternal(submission.Outcome()) != poison) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(scheduler.queued_tokens(), 0);
  scheduler.Stop();
  workers.clear();
  EXPECT_EQ(log.left.size(), 3u);
}

// An engine whose first batch takes until told to go on, seen through Ready: what the worker stages
// meanwhile.
class StagingWorker : public testing::Test {
 protected:
  StagingWorker() {
    auto engine = NewHashEngine([this](const PackedBatch& batch) {
      tokens_.push_back(batch.tokens());
      beside_.push_back(engine_->in_flight());
      while (held_) std::this_thread::yield();
      return lost_ ? absl::DataLossError("gone") : absl::OkStatus();
    });
    engine_ = engine.get();
    engine->ready = [this] {
      ++looks_;
      return done_.load();
    };
    next_ = std::move(engine);
  }
  void Start(TaskPool* tasks = nullptr) {
    worker_.emplace(scheduler_, std::move(next_), Config(), log_.Listener(), tasks);
  }
  // Until the worker has looked at the queue again.
  void WaitForALook() {
    const int64_t before = looks_;
    while (looks_ < before + 2) std::this_thread::yield();
  }

  TaskPool tasks_{2};
  Scheduler scheduler_{kLimits, 1 << 20};
  HashEngine* engine_ = nullptr;
  std::unique_ptr<HashEngine> next_;
  std::atomic<int64_t> looks_{0};
  std::atomic<bool> done_{false};
  std::atomic<bool> held_{false};  // waits in Collect
  std::atomic<bool> lost_{false};  // Collect finds the device lost
  LossLog log_;
  std::vector<int> tokens_;          // of each batch; written by the worker's thread
  std::vector<std::size_t> beside_;  // batches in flight as it was collected
  std::optional<Worker> worker_;
};

TEST_F(StagingWorker, StagesWhatIsHalfAsLargeAsWhatRuns) {
  Submission first(7, 1);  // 8 tokens
  ASSERT_TRUE(scheduler_.Submit(first.job).ok());
  Start();
  WaitForALook();
  Submission small(2, 1);  // 3 tokens
  ASSERT_TRUE(scheduler_.Submit(small.job).ok());
  WaitForALook();
  EXPECT_EQ(scheduler_.queued_tokens(), 3);
  Submission more(0, 1);  // 1 token: now it is half
  ASSERT_TRUE(scheduler_.Submit(more.job).ok());
  while (scheduler_.queued_tokens() > 0) std::this_thread::yield();
  done_ = true;
  for (Submission* one : {&first, &small, &more}) EXPECT_TRUE(one->Outcome().ok());
  scheduler_.Stop();
  EXPECT_EQ(tokens_, (std::vector<int>{8, 4}));
  EXPECT_EQ(beside_.front(), 1u);
}

// Two batches of 8 and 7 tokens, the second staged behind the first, on a device that will be lost.
class StagingWorkerOfALostDevice : public StagingWorker {
 protected:
  void RunAndStage() {
    held_ = lost_ = true;
    ASSERT_TRUE(scheduler_.Submit(first_.job).ok());
    Start();
    WaitForALook();
    ASSERT_TRUE(scheduler_.Submit(staged_.job).ok());
    while (scheduler_.queued_tokens() > 0) std::this_thread::yield();
  }

  Submission first_{7, 1}, staged_{6, 1};
};

TEST_F(StagingWorkerOfALostDevice, BothRunAgainOnAnotherOneByOne) {
  RunAndStage();
  std::vector<int> again;
  const Worker other(scheduler_, NewHashEngine([&](const PackedBatch& batch) {
                       again.push_back(batch.tokens());
                       return absl::OkStatus();
                     }),
                     Config());
  held_ = false;
  EXPECT_TRUE(first_.Outcome().ok());
  EXPECT_TRUE(staged_.Outcome().ok());
  scheduler_.Stop();
  EXPECT_EQ(tokens_, std::vector<int>{8});  // nothing was asked of the lost device after that
  EXPECT_EQ(again, (std::vector<int>{8, 7}));
  EXPECT_EQ(log_.left, std::vector<int>{1});
}

TEST_F(StagingWorkerOfALostDevice, WithoutAnotherAllWhoWaitAreTold) {
  RunAndStage();
  Submission queued(0, 1);
  ASSERT_TRUE(scheduler_.Submit(queued.job).ok());
  held_ = false;
  for (Submission* one : {&first_, &staged_, &queued}) {
    EXPECT_TRUE(absl::IsDataLoss(one->Outcome()));
  }
  EXPECT_EQ(tokens_, std::vector<int>{8});
  EXPECT_EQ(log_.left, std::vector<int>{0});
}

std::string ThreadName() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

class AnsweringWorker : public StagingWorker {
 protected:
  AnsweringWorker() { done_ = true; }
  // The threads that tell `jobs` jobs. The first jobs come before the worker starts.
  std::vector<std::string> AnsweredOn(int jobs) {
    std::vector<std::promise<std::string>> threads(static_cast<std::size_t>(jobs));
    Submission one(3, 1);
    for (auto& thread : threads) {
      const auto job = std::make_shared<EmbeddingJob>(
          one.tokens, std::vector<int32_t>(1, 0), kWidth, TimePoint::max(), one.cancelled,
          [&thread](absl::Status status) {
            thread.set_value(status.ok() ? ThreadName() : std::string(status.message()));
          });
      EXPECT_TRUE(scheduler_.Submit(job).ok());
    }
    if (!worker_.has_value()) Start(&tasks_);
    std::vector<std::string> names;
    names.reserve(threads.size());
    for (auto& thread : threads) names.push_back(thread.get_future().get());
    return names;
  }
};

TEST_F(AnsweringWorker, TellsOnThreadsOfThePoolUnlessThereIsNothingElse) {
  EXPECT_EQ(AnsweredOn(8), std::vector<std::string>(8, "tokenizer"));
  EXPECT_EQ(AnsweredOn(1), std::vector<std::string>(1, "worker"));
  scheduler_.Stop();
}

TEST_F(AnsweringWorker, DoesNotWaitForABusyPool) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  for (int thread = 0; thread < 2; ++thread) {
    tasks_.Post([open](Tokenizer::Scratch&) { open.wait_for(std::chrono::seconds(5)); });
  }
  EXPECT_EQ(AnsweredOn(8), std::vector<std::string>(8, "worker"));
  gate.set_value();
  scheduler_.Stop();
}

}  // namespace
}  // namespace embedserve
