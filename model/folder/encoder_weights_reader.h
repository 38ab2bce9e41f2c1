// Finds an encoder's tensors in a checkpoint and checks the shape of each.
#pragma once

#include "absl/status/statusor.h"
#include "model/folder/encoder_config.h"
#include "model/folder/encoder_weights.h"
#include "model/folder/tensor_set.h"

namespace embedserve {

// The views point into `tensors`. Refuses missing tensors, wrong shapes, and tensors that are
// neither the encoder's nor a pooler's or task head's: they would be skipped in silence.
absl::StatusOr<EncoderWeights> ReadEncoderWeights(const EncoderConfig& config, TensorSet& tensors);

}  // namespace embedserve
