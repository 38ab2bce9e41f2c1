#include "model/folder/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace embedserve {

void ParallelFor(std::size_t count, absl::FunctionRef<void(std::size_t)> body) {
  // Reading memory saturates with a few cores.
  constexpr std::size_t kMaxThreads = 16;
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::min({count, cores, kMaxThreads});
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) body(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

}  // namespace embedserve
