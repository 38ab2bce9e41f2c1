#include "kernels/stream.h"

#include <gtest/gtest.h>

#include <chrono>

#include "kernels/buffer.h"
#include "kernels/device.h"
#include "kernels/probe.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

TEST(StreamTest, StartsWithoutAnError) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  EXPECT_TRUE(stream.ok());
  EXPECT_EQ(stream.error(), "");
  EXPECT_NE(stream.get(), nullptr);
  EXPECT_GT(stream.multiprocessors(), 0);
  stream.Synchronize();
  EXPECT_TRUE(stream.ok());
}

TEST(StreamTest, TheFirstFailureSticks) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  EXPECT_FALSE(stream.Check(cudaErrorInvalidValue, "first"));
  EXPECT_FALSE(stream.Check(cudaSuccess, "second"));
  stream.Fail("third", "something else");
  EXPECT_EQ(stream.error(), "first: invalid argument");
}

TEST(StreamTest, CopiesBothWays) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  void* device = nullptr;
  ASSERT_TRUE(stream.Check(cudaMalloc(&device, 64), "allocation"));
  const std::string text = "0123456789012345678901234567890123456789012345678901234567890123";
  std::string back(64, ' ');
  stream.CopyToDevice(device, text.data(), 64);
  stream.CopyToHost(back.data(), device, 64);
  stream.Synchronize();
  EXPECT_EQ(back, text);
  cudaFree(device);
}

// The clock starts anew with each wait.
TEST(StreamTest, WorkThatEndsInTimeIsNoHang) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  stream.set_patience(std::chrono::seconds(5));
  const DeviceBuffer memory(stream, 1 << 20);
  for (int i = 0; i < 50; ++i) {
    FillRandom(stream, 1, {memory.data(), DType::kFp32, 512, 512});
    stream.Synchronize();
    EXPECT_TRUE(stream.Idle());
  }
  EXPECT_EQ(stream.error(), "");
  EXPECT_FALSE(DeviceHangs());
}

TEST(StreamTest, ADeviceThatIsNotThereIsAnError) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(4711);
  EXPECT_EQ(stream.error().substr(0, 7), "device:");
}

}  // namespace
}  // namespace embedserve::kernels
