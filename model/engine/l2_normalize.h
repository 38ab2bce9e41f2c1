// x / max(||x||_2, eps): the Normalize module, the request's `normalize`, and cosine.
#pragma once

#include <span>

namespace embedserve {

// In place, eps 1e-12; the norm is an fp32 LaneSum, so its bits depend on the row alone.
void L2Normalize(std::span<float> row);

}  // namespace embedserve
