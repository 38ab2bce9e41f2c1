#include "model/engine/l2_normalize.h"

#include <algorithm>
#include <cmath>

#include "model/engine/lane_sum.h"
#include "model/folder/head_module.h"

namespace embedserve {

void L2Normalize(std::span<float> row) {
  const float squares = LaneSum(row.size(), [row](std::size_t i) { return row[i] * row[i]; });
  const float norm = std::max(std::sqrt(squares), NormalizeModule::kEps);
  for (float& value : row) value /= norm;
}

}  // namespace embedserve
