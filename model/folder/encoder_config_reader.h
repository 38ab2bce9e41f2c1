// config.json -> EncoderConfig (semantics.md 7).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/encoder_config.h"
#include "model/folder/json.h"

namespace embedserve {

// `config` is the root of config.json. Refuses families, activations and settings that would
// compute something else; sizes are within bounds whose products fit 64 bits.
absl::StatusOr<EncoderConfig> ReadEncoderConfig(JsonValue config,
                                                std::vector<std::string>& warnings);

}  // namespace embedserve
