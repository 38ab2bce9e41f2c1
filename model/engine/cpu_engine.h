// The CPU engine: oneDNN matrix products over the packed tokens of a batch.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/folder/model_folder.h"

namespace embedserve {

// `folder` must outlive the engine. FAILED_PRECONDITION if the CPU cannot compute the type.
absl::StatusOr<std::unique_ptr<Engine>> NewCpuEngine(const ModelFolder& folder,
                                                     const EngineOptions& options);

}  // namespace embedserve
