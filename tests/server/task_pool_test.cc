#include "server/task_pool.h"

#include <pthread.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "server/byte_budget.h"

namespace embedserve {
namespace {

TEST(TaskPool, RunsEverythingPostedBeforeItStops) {
  std::atomic<int> ran{0};
  {
    TaskPool pool(3);
    for (int i = 0; i < 500; ++i) {
      pool.Post([&](Tokenizer::Scratch&) {
        if (ran++ % 100 == 0) pool.Post([&](Tokenizer::Scratch&) { ran += 1000; });
      });
    }
  }
  EXPECT_EQ(ran % 1000, 500);
  EXPECT_GE(ran, 1500);
}

TEST(TaskPool, ItsThreadsHaveTheirName) {
  std::string name(16, '?');
  {
    TaskPool pool(1);
    pool.Post(
        [&](Tokenizer::Scratch&) { pthread_getname_np(pthread_self(), name.data(), name.size()); });
  }
  EXPECT_STREQ(name.c_str(), "tokenizer");
}

TEST(TaskPool, SaysWhetherAThreadIsFree) {
  TaskPool pool(2);
  EXPECT_TRUE(pool.HasFreeThread());
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  pool.Post([open](Tokenizer::Scratch&) { open.wait(); });
  EXPECT_TRUE(pool.HasFreeThread());
  pool.Post([open](Tokenizer::Scratch&) { open.wait(); });
  EXPECT_FALSE(pool.HasFreeThread());
  gate.set_value();
  while (!pool.HasFreeThread()) std::this_thread::yield();
}

TEST(TaskPool, StopsTwice) {
  TaskPool pool(1);
  pool.Stop();
  pool.Stop();
}

TEST(ByteBudget, TakesUpToItsLimitAndGivesBack) {
  ByteBudget budget(100);
  ByteBudget::Permit a = budget.Take(60);
  EXPECT_TRUE(a);
  EXPECT_FALSE(budget.Take(41));
  ByteBudget::Permit b = budget.Take(40);
  EXPECT_TRUE(b);
  EXPECT_EQ(budget.used(), 100u);
  a = {};
  EXPECT_EQ(budget.used(), 40u);
  ByteBudget::Permit moved = std::move(b);
  EXPECT_EQ(budget.used(), 40u);
}

TEST(ByteBudget, TakesAnythingWhenNothingIsInFlight) {
  ByteBudget budget(100);
  const ByteBudget::Permit large = budget.Take(1000);
  EXPECT_TRUE(large);
  EXPECT_FALSE(budget.Take(1));
}

}  // namespace
}  // namespace embedserve
