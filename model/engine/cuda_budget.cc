#include "model/engine/cuda_budget.h"

#include <algorithm>
#include <cstdint>

namespace embedserve {
namespace {

constexpr int kTileRows = 128, kTileColumns = 256;

}  // namespace

int FullWaveTokens(int multiprocessors, int hidden, int longest) {
  const int most = multiprocessors * kTileColumns / 3;
  const auto wave = static_cast<int>(int64_t{multiprocessors} * kTileRows * kTileColumns / hidden);
  const int tokens = wave > most ? most : most / wave * wave;
  return std::max(tokens / kTileRows * kTileRows, longest);
}

int MostGraphTokens(int multiprocessors) {
  return multiprocessors * 64 / 3 / kTileRows * kTileRows;
}

int MostTokens(int least, int most, absl::FunctionRef<bool(int tokens)> fits) {
  if (most > least && fits(most)) return most;
  for (int tokens = (most - 1) / kTileRows * kTileRows; tokens > least; tokens -= kTileRows) {
    if (fits(tokens)) return tokens;
  }
  return fits(least) ? least : 0;
}

}  // namespace embedserve
