#include "server/drain.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Recorder {
  std::vector<std::string> order;
  std::vector<int64_t> in_flight;  // at each look; the last holds on
  int64_t arrivals = 0;            // until they cease, one at each look
  milliseconds slept{0};

  absl::Status Drain(milliseconds delay, milliseconds timeout) {
    std::size_t look = 0;
    int64_t arrived = 0;
    return RunDrain(
        {.report_not_serving = [&] { order.emplace_back("report"); },
         .refuse_new_calls = [&] { order.emplace_back("refuse"); },
         .calls_arrived = [&] { return arrived = std::min(arrived + 1, arrivals); },
         .calls_in_flight = [&] { return in_flight[std::min(look++, in_flight.size() - 1)]; },
         .sleep =
             [&](milliseconds time) {
               if (order.back() != "sleep") order.emplace_back("sleep");
               slept += time;
             }},
        delay, timeout);
  }
};

TEST(Drain, ReportsThenKeepsServingThenRefusesThenWaits) {
  Recorder recorder{.in_flight = {3, 2, 0}};
  EXPECT_TRUE(recorder.Drain(milliseconds(700), milliseconds(1000)).ok());
  EXPECT_THAT(recorder.order, ElementsAre("report", "sleep", "refuse", "sleep"));
  EXPECT_EQ(recorder.slept, milliseconds(700 + 2 * 5 + 100));
}

TEST(Drain, GoesOnRefusingUntilNobodyComes) {
  Recorder recorder{.in_flight = {0}, .arrivals = 50};
  EXPECT_TRUE(recorder.Drain(milliseconds(0), milliseconds(0)).ok());
  EXPECT_THAT(recorder.order, ElementsAre("report", "refuse", "sleep"));
  EXPECT_EQ(recorder.slept, milliseconds(49 * 5 + 100));
}

TEST(Drain, CallersThatNeverStopHoldItUpForASecond) {
  Recorder recorder{.in_flight = {0}, .arrivals = 1'000'000};
  EXPECT_TRUE(recorder.Drain(milliseconds(0), milliseconds(0)).ok());
  EXPECT_EQ(recorder.slept, milliseconds(1000));
}

TEST(Drain, TellsHowManyCallsTheTimeoutCutsOff) {
  Recorder recorder{.in_flight = {7}};
  const absl::Status status = recorder.Drain(milliseconds(0), milliseconds(12));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("7 calls"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--drain-timeout"));
  EXPECT_EQ(recorder.slept, milliseconds(12));
}

}  // namespace
}  // namespace embedserve
