// The order in which a server stops taking calls without losing one (serving.md 10, steps 1 to 3).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace embedserve {

struct DrainSteps {
  std::function<void()> report_not_serving;  // health
  std::function<void()> refuse_new_calls;    // with UNAVAILABLE
  std::function<int64_t()> calls_arrived;    // ever, refused ones too
  std::function<int64_t()> calls_in_flight;  // arrived and not yet answered
  std::function<void(std::chrono::milliseconds)> sleep;
};

// Reports, waits `delay` while calls are still taken, refuses new ones, and waits up to `timeout`
// for those in flight. Then it goes on refusing until none has come for a while (at most a second):
// a call that meets gRPC's shutdown is told CANCELLED, which its caller would not retry elsewhere.
// DEADLINE_EXCEEDED with the number of calls that are left.
absl::Status RunDrain(const DrainSteps& steps, std::chrono::milliseconds delay,
                      std::chrono::milliseconds timeout);

}  // namespace embedserve
