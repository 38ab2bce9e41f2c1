// The golden folder tiny-bert as a model: for tests that need any whole one.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "model/model.h"

namespace embedserve {

inline absl::StatusOr<std::unique_ptr<const Model>> LoadTinyBert() {
  return Model::Load(std::string(std::getenv("EMBEDSERVE_SOURCE_DIR")) +
                     "/tests/golden/models/tiny-bert");
}

}  // namespace embedserve
