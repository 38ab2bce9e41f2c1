// What fp16 cannot hold. Reads weights in host memory and needs no device.
#pragma once

#include "absl/status/status.h"
#include "model/folder/model_folder.h"

namespace embedserve {

// OUT_OF_RANGE, naming a tensor and its value, if fp16 is too narrow for a weight that engines
// store in the type they compute in: all but norms, biases that a norm adds, and head modules.
// Token type row 0 is added to the positions before they are stored. Reads every byte of these
// weights.
absl::Status CheckHalfRange(const ModelFolder& folder);

}  // namespace embedserve
