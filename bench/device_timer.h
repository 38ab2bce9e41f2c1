// Times work on a stream with CUDA events.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <vector>

#include "kernels/stream.h"

namespace embedserve {

struct DeviceTime {
  double median = 0;  // microseconds of one run
  double low = 0;     // fastest and slowest group of runs: the spread
  double high = 0;
};

// Runs `submit(i)` in `groups` groups of `runs`, i counting all of them, after one group to warm
// up. Work within a group runs back to back; with runs = 1 each run stands alone.
template <class Submit>
DeviceTime TimeOnDevice(kernels::Stream& stream, int groups, int runs, Submit submit) {
  cudaEvent_t begin, end;
  stream.Check(cudaEventCreate(&begin), "event");
  stream.Check(cudaEventCreate(&end), "event");
  std::vector<double> times;
  int i = 0;
  for (int group = -1; group < groups && stream.ok(); ++group) {
    stream.Check(cudaEventRecord(begin, stream.get()), "event");
    for (int run = 0; run < runs; ++run) submit(i++);
    stream.Check(cudaEventRecord(end, stream.get()), "event");
    stream.Synchronize();
    float milliseconds = 0;
    if (!stream.Check(cudaEventElapsedTime(&milliseconds, begin, end), "event")) break;
    if (group >= 0) times.push_back(1000.0 * static_cast<double>(milliseconds) / runs);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  if (times.empty()) return {};
  std::ranges::sort(times);
  return {times[times.size() / 2], times.front(), times.back()};
}

}  // namespace embedserve
