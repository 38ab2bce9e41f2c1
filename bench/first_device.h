// The card that a benchmark runs on, for its first line.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "kernels/device.h"

namespace embedserve {

// The name of device 0; where there is none to use, nothing, and stderr says why.
inline std::optional<std::string> FirstDevice() {
  const kernels::DriverAnswer answer = kernels::AskDriver();
  if (const std::string reason = kernels::WhyNoDevice(answer); !reason.empty()) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    return std::nullopt;
  }
  return answer.devices[0].name;
}

}  // namespace embedserve
