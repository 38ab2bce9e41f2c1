// A device that fails under an engine: from then on the engine says DATA_LOSS, and whatever it gave
// before is right. Each case has a process of its own, for the device stays lost to it, and so do
// the others: CUDA refuses all further work of a process.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "gtest/gtest.h"
#include "model/engine/cuda_engine.h"
#include "tests/kernels/require_device.h"
#include "tests/model/engine/engine_rows.h"
#include "tests/model/engine/random_folder.h"
#include "tests/support/kill_device.h"

namespace embedserve {
namespace {

struct Work {
  PackedBatch batch;
  std::vector<float> rows;  // right ones
};

// Two batches in flight all the time; the device is killed on the way. Returns how many were
// collected until it said so, or less than 0 after a wrong answer or another error.
int CollectUntilLost(Engine& engine, const std::vector<Work>& work, DeviceCrime crime,
                     int delay_us) {
  constexpr int kBefore = 4, kMost = 100'000;
  for (int collected = 0; collected < kMost; ++collected) {
    for (const Work& each : work) {
      if (const absl::Status status = engine.Submit(each.batch); !status.ok()) {
        return absl::IsDataLoss(status) ? collected : -1;
      }
    }
    if (collected == kBefore) KillDevice(0, crime, delay_us);
    for (const Work& each : work) {
      const auto rows = engine.Collect();
      if (!rows.ok()) {
        std::fprintf(stderr, "%s\n", rows.status().ToString().c_str());
        return absl::IsDataLoss(rows.status()) ? collected : -2;
      }
      if (!std::ranges::equal(*rows, each.rows)) return -3;
    }
  }
  return -4;
}

int Crime(DeviceCrime crime, int delay_us) {
  RandomFolder model(EvenEncoder());
  const EngineOptions options{.compute_type = ComputeType::kFp16,
                              .max_batch_tokens = 8192,
                              .max_batch_sequences = 1024,
                              .hang_timeout = std::chrono::milliseconds(500)};
  auto engine = NewCudaEngine(model.folder(), 0, options);
  if (!engine.ok()) return 1;
  BatchBuilder small(model.folder().encoder), large(model.folder().encoder);
  small.Add(model.Ids(9));  // a graph
  while (large.tokens() < 8000) large.Add(model.Ids(40));
  const std::vector<Work> work = {{small.Batch(), RowsOf(**engine, small.Batch())},
                                  {large.Batch(), RowsOf(**engine, large.Batch())}};
  const int collected = CollectUntilLost(**engine, work, crime, delay_us);
  std::fprintf(stderr, "collected %d\n", collected);
  if (collected < 0) return 2;
  if (!absl::IsDataLoss((*engine)->Submit(work[0].batch)) && collected > 0) return 3;
  return 0;
}

// The engine, too, must come to its end, which frees nothing on such a device.
TEST(CudaHangDeathTest, ADeviceThatNeverAnswersIsLost) {
  EMBEDSERVE_NEED_DEVICE();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(Crime(DeviceCrime::kHang, 0)), testing::ExitedWithCode(0),
              "DATA_LOSS: cuda:0 .*it hangs.* 500 ms");
}

class CudaFaultDeathTest : public testing::TestWithParam<DeviceCrime> {};

TEST_P(CudaFaultDeathTest, NoWrongRowLeavesALostDevice) {
  EMBEDSERVE_NEED_DEVICE();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int delay_us : {0, 150, 2000}) {
    EXPECT_EXIT(std::exit(Crime(GetParam(), delay_us)), testing::ExitedWithCode(0),
                "DATA_LOSS: cuda:0 ");
  }
}

INSTANTIATE_TEST_SUITE_P(Crimes, CudaFaultDeathTest,
                         testing::Values(DeviceCrime::kTrap, DeviceCrime::kWildWrite));

}  // namespace
}  // namespace embedserve
