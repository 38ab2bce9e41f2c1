// Token vectors of one sequence -> its pooled vector (semantics.md 3).
#pragma once

#include "model/folder/pooling_config.h"

namespace embedserve {

// Writes modes x H floats, the modes one after the other. `tokens` is (length, H); positions below
// `start` are not pooled, but still count in weightedmean's weights. 0 <= start < length.
void Pool(const PoolingConfig& config, const float* tokens, int length, int start, int hidden,
          float* out);

}  // namespace embedserve
