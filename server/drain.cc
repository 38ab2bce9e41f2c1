#include "server/drain.h"

#include <algorithm>

#include "fmt/format.h"

namespace embedserve {

absl::Status RunDrain(const DrainSteps& steps, std::chrono::milliseconds delay,
                      std::chrono::milliseconds timeout) {
  using std::chrono::milliseconds;
  constexpr milliseconds kLook{5};
  steps.report_not_serving();
  if (delay > milliseconds(0)) steps.sleep(delay);
  steps.refuse_new_calls();
  milliseconds left = timeout;
  while (steps.calls_in_flight() > 0 && left > milliseconds(0)) {
    const milliseconds nap = std::min(kLook, left);
    steps.sleep(nap);
    left -= nap;
  }
  const int64_t calls = steps.calls_in_flight();
  if (calls == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(fmt::format(
      "{} calls were still in flight {} ms after the last one was taken and are cut off; "
      "raise --drain-timeout if they need longer",
      calls, timeout.count()));
}

}  // namespace embedserve
