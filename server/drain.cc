#include "server/drain.h"

#include <algorithm>

#include "fmt/format.h"

namespace embedserve {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNap{5};
constexpr milliseconds kQuiet{100};  // several round trips of a caller that was just refused
constexpr milliseconds kLongestWaitForQuiet{1000};

// Callers that never stop must not keep the server from stopping.
void AwaitQuiet(const DrainSteps& steps) {
  int64_t arrived = steps.calls_arrived();
  milliseconds quiet{0};
  for (milliseconds waited{0}; quiet < kQuiet && waited < kLongestWaitForQuiet; waited += kNap) {
    steps.sleep(kNap);
    const int64_t now = steps.calls_arrived();
    quiet = now == arrived ? quiet + kNap : milliseconds(0);
    arrived = now;
  }
}

}  // namespace

absl::Status RunDrain(const DrainSteps& steps, milliseconds delay, milliseconds timeout) {
  steps.report_not_serving();
  if (delay > milliseconds(0)) steps.sleep(delay);
  steps.refuse_new_calls();
  for (milliseconds left = timeout; steps.calls_in_flight() > 0 && left > milliseconds(0);) {
    const milliseconds nap = std::min(kNap, left);
    steps.sleep(nap);
    left -= nap;
  }
  if (const int64_t calls = steps.calls_in_flight(); calls > 0) {
    return absl::DeadlineExceededError(fmt::format(
        "{} calls were still in flight {} ms after the last one was taken and are cut off; raise "
        "--drain-timeout if they need longer",
        calls, timeout.count()));
  }
  AwaitQuiet(steps);
  return absl::OkStatus();
}

}  // namespace embedserve
