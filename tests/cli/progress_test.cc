#include "cli/progress.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using std::chrono::milliseconds;
using ::testing::IsEmpty;

constexpr Progress::Clock::time_point kStart{};

TEST(Progress, IsSilentForASecond) {
  Progress progress(100, true, kStart);
  EXPECT_THAT(progress.LineAt(10, kStart + milliseconds(999)), IsEmpty());
  EXPECT_EQ(progress.LineAt(50, kStart + milliseconds(2000)),
            "50 of 100 texts, 25 a second, 2 s left");
}

TEST(Progress, ShowsAtMostTenLinesASecond) {
  Progress progress(100, true, kStart);
  EXPECT_FALSE(progress.LineAt(1, kStart + milliseconds(1500)).empty());
  EXPECT_THAT(progress.LineAt(2, kStart + milliseconds(1599)), IsEmpty());
  EXPECT_FALSE(progress.LineAt(3, kStart + milliseconds(1600)).empty());
}

TEST(Progress, IsSilentWithoutATerminal) {
  Progress progress(100, false, kStart);
  EXPECT_THAT(progress.LineAt(50, kStart + milliseconds(5000)), IsEmpty());
}

}  // namespace
}  // namespace embedserve
