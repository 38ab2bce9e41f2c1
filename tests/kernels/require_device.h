// For tests that need a CUDA device.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "kernels/device.h"

// First line of a test that needs a device: skips and says why there is none. Where
// EMBEDSERVE_REQUIRE_GPU is set (the gpu preset sets it), the missing device fails instead.
#define EMBEDSERVE_NEED_DEVICE()                                                  \
  if (const std::string reason =                                                  \
          ::embedserve::kernels::WhyNoDevice(::embedserve::kernels::AskDriver()); \
      !reason.empty()) {                                                          \
    if (std::getenv("EMBEDSERVE_REQUIRE_GPU") != nullptr) FAIL() << reason;       \
    GTEST_SKIP() << reason;                                                       \
  }
