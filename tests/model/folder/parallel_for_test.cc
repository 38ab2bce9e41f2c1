#include "model/folder/parallel_for.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace embedserve {
namespace {

TEST(ParallelForTest, CallsEachIndexOnce) {
  for (const std::size_t count : {0u, 1u, 2u, 17u, 1000u}) {
    std::vector<std::atomic<int>> calls(count);
    ParallelFor(count, [&calls](std::size_t i) { ++calls[i]; });
    for (const std::atomic<int>& number : calls) EXPECT_EQ(number, 1);
  }
}

}  // namespace
}  // namespace embedserve
