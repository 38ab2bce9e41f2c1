// fp32 sums in an order that depends on their length alone, so that a score has the same bits
// wherever it is computed.
#pragma once

#include <array>
#include <cstddef>

namespace embedserve {

// Sum of term(i) for i < n: sixteen running sums side by side (which compilers turn into vector
// instructions), then a tree over them.
template <typename Term>
float LaneSum(std::size_t n, Term term) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  const std::size_t whole = n - n % kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(i + lane);
  }
  for (std::size_t i = whole; i < n; ++i) sums[i - whole] += term(i);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

}  // namespace embedserve
