#include "kernels/code_architecture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "kernels/stream.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

// The variable is CUDA's own: the driver then takes PTX only, as it does on a card of a later
// generation than this binary knows.
bool TranslatesPtx() {
  const char* const value = std::getenv("CUDA_FORCE_PTX_JIT");
  return value != nullptr && std::string_view(value) == "1";
}

TEST(CodeArchitectureTest, IsTheDevicesOwnGenerationOrThatOfThePtx) {
  EMBEDSERVE_NEED_DEVICE();
  const Stream stream(0);
  ASSERT_TRUE(stream.ok()) << stream.error();
  const int device = AskDriver().devices[0].compute_capability;
  if (TranslatesPtx()) {
    EXPECT_EQ(CodeArchitecture(), kLeastComputeCapability);
  } else {
    EXPECT_EQ(CodeArchitecture() / 10, device / 10);
  }
}

TEST(CodeArchitectureTest, DecidesWhetherKernelsStartEarly) {
  EMBEDSERVE_NEED_DEVICE();
  const Stream stream(0);
  EXPECT_EQ(stream.launches_early(), CodeArchitecture() >= 90);
}

}  // namespace
}  // namespace embedserve::kernels
