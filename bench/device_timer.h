// Times work on a stream with CUDA events.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/graph.h"
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

// The same for runs recorded in graphs, several subjects in turn: subject(0) ... subject(runs - 1).
// Small kernels take less time than the host needs to launch them, and a card that is kept busy
// slows down: what is compared takes turns. Subjects must neither allocate nor wait.
inline std::vector<DeviceTime> TimeInTurns(
    kernels::Stream& stream, int groups, int runs,
    const std::vector<std::function<void(int run)>>& subjects) {
  std::vector<kernels::Graph> graphs;
  for (const auto& subject : subjects) {
    subject(0);  // kernels load on first use, which recording does not allow
    stream.Synchronize();
    graphs.push_back(kernels::Graph::Record(stream, [&] {
      for (int run = 0; run < runs; ++run) subject(run);
    }));
  }
  std::vector<std::vector<double>> times(subjects.size());
  for (int group = 0; group < groups; ++group) {
    for (std::size_t i = 0; i < graphs.size(); ++i) {
      const DeviceTime once = TimeOnDevice(stream, 1, 1, [&](int) { graphs[i].Launch(stream); });
      times[i].push_back(once.median / runs);
    }
  }
  std::vector<DeviceTime> all;
  for (std::vector<double>& each : times) {
    std::ranges::sort(each);
    all.push_back({each[each.size() / 2], each.front(), each.back()});
  }
  return all;
}

inline DeviceTime TimeInGraph(kernels::Stream& stream, int groups, int runs,
                              const std::function<void(int run)>& subject) {
  return TimeInTurns(stream, groups, runs, {subject}).front();
}

}  // namespace embedserve
