#include "kernels/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

DriverAnswer Healthy() {
  return {.built_with_cuda = true,
          .runtime_version = 13000,
          .driver_version = 13000,
          .devices = {{.ordinal = 0,
                       .name = "Card A",
                       .compute_capability = 90,
                       .memory_bytes = std::size_t{80} << 30}}};
}

TEST(WhyNoDeviceTest, IsEmptyForASupportedDevice) {
  EXPECT_THAT(WhyNoDevice(Healthy()), IsEmpty());
}

TEST(WhyNoDeviceTest, TellsABuildWithoutCuda) {
  EXPECT_THAT(WhyNoDevice({}), HasSubstr("built without CUDA"));
}

TEST(WhyNoDeviceTest, TellsAMissingDriverFromAnOldOne) {
  DriverAnswer answer = Healthy();
  answer.devices.clear();
  answer.error = "CUDA driver version is insufficient for CUDA runtime version";
  answer.driver_version = 0;
  EXPECT_THAT(WhyNoDevice(answer), HasSubstr("no NVIDIA driver"));
  answer.driver_version = 12040;
  EXPECT_THAT(WhyNoDevice(answer),
              HasSubstr("knows CUDA 12.4, this embedserve was built with CUDA 13.0"));
}

TEST(WhyNoDeviceTest, AcceptsAnOlderDriverOfTheSameMajorVersion) {
  DriverAnswer answer = Healthy();
  answer.runtime_version = 13020;
  EXPECT_THAT(WhyNoDevice(answer), IsEmpty());
}

TEST(WhyNoDeviceTest, RepeatsTheRuntimesOwnWords) {
  DriverAnswer answer = Healthy();
  answer.devices.clear();
  answer.error = "no CUDA-capable device is detected";
  EXPECT_THAT(WhyNoDevice(answer), HasSubstr(answer.error));
}

TEST(WhyNoDeviceTest, TellsThatNoDeviceIsVisible) {
  DriverAnswer answer = Healthy();
  answer.devices.clear();
  EXPECT_THAT(WhyNoDevice(answer), HasSubstr("CUDA_VISIBLE_DEVICES"));
}

TEST(WhyNoDeviceTest, NamesTheBestOfTheCardsThatAreTooOld) {
  DriverAnswer answer = Healthy();
  answer.devices[0].compute_capability = 70;
  answer.devices.push_back({.ordinal = 1, .name = "Card B", .compute_capability = 75});
  EXPECT_THAT(WhyNoDevice(answer),
              HasSubstr("Card B, has compute capability 7.5; 8.0 (Ampere) or later"));
}

TEST(WhyNoDeviceTest, OneSupportedDeviceAmongOldOnesIsEnough) {
  DriverAnswer answer = Healthy();
  answer.devices.insert(answer.devices.begin(),
                        {.ordinal = 1, .name = "Card B", .compute_capability = 75});
  EXPECT_THAT(WhyNoDevice(answer), IsEmpty());
}

TEST(WhyNoDeviceTest, NamesTheLibraryThatADeviceStillNeeds) {
  DriverAnswer answer = Healthy();
  answer.missing = "libfoo is missing: install it";
  EXPECT_EQ(WhyNoDevice(answer), answer.missing);
}

TEST(DescribeTest, GivesOneLine) {
  EXPECT_EQ(Describe(Healthy().devices[0]), "cuda:0 Card A, compute capability 9.0, 80.0 GiB");
}

TEST(AskDriverTest, KnowsHowItWasBuilt) {
  const DriverAnswer answer = AskDriver();
  EXPECT_EQ(answer.built_with_cuda, EMBEDSERVE_WITH_CUDA == 1);
  EXPECT_EQ(answer.runtime_version != 0, answer.built_with_cuda);
}

TEST(AskDriverTest, ListsTheDevicesOfThisMachine) {
  EMBEDSERVE_NEED_DEVICE();
  const DriverAnswer answer = AskDriver();
  ASSERT_FALSE(answer.devices.empty());
  for (const Device& device : answer.devices) {
    EXPECT_THAT(device.name, Not(IsEmpty()));
    EXPECT_GE(device.compute_capability, 50);
    EXPECT_GT(device.memory_bytes, std::size_t{1} << 30) << Describe(device);
  }
}

}  // namespace
}  // namespace embedserve::kernels
