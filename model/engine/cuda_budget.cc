#include "model/engine/cuda_budget.h"

#include <algorithm>
#include <cstdint>

namespace embedserve {

int FullWaveTokens(int multiprocessors, int hidden, int longest) {
  constexpr int kTileRows = 128, kTileColumns = 256;
  const int most = multiprocessors * kTileColumns / 3;
  const auto wave = static_cast<int>(int64_t{multiprocessors} * kTileRows * kTileColumns / hidden);
  const int tokens = wave > most ? most : most / wave * wave;
  return std::max(tokens / kTileRows * kTileRows, longest);
}

}  // namespace embedserve
