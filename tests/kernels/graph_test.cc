#include "kernels/graph.h"

#include <gtest/gtest.h>

#include "kernels/activation.h"
#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

TEST(GraphTest, RunsWhatWasRecordedOnceForEachLaunch) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const DeviceMatrix one(stream, DType::kFp32, 1, 3, {1, 1, 1});
  const DeviceMatrix x(stream, DType::kFp32, 1, 3, {0, 10, 20});
  const Graph graph = Graph::Record(stream, [&] {
    Add(stream, one.tensor(), x.tensor());
    Add(stream, one.tensor(), x.tensor());
  });
  ASSERT_EQ(stream.error(), "");
  EXPECT_EQ(x.Values(), (std::vector<double>{0, 10, 20}));  // recording runs nothing
  graph.Launch(stream);
  graph.Launch(stream);
  EXPECT_EQ(x.Values(), (std::vector<double>{4, 14, 24}));
}

TEST(GraphTest, AFailureWhileRecordingLeavesTheStreamUsable) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const Graph graph = Graph::Record(stream, [&] { stream.Fail("test", "on purpose"); });
  EXPECT_TRUE(graph.empty());
  EXPECT_EQ(stream.error(), "test: on purpose");
  EXPECT_EQ(cudaStreamSynchronize(stream.get()), cudaSuccess);
}

}  // namespace
}  // namespace embedserve::kernels
