// The CUDA engine: kernels/ over the packed tokens of a batch.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/folder/model_folder.h"

namespace embedserve {

// An engine on CUDA device `ordinal`. `folder` must outlive it. Takes all its memory now, and
// seconds to choose plans and to record graphs: no call allocates afterwards. For fp16,
// CheckHalfRange(folder) must be OK: a weight that it refuses becomes infinite. FAILED_PRECONDITION
// says why there is no such device.
absl::StatusOr<std::unique_ptr<Engine>> NewCudaEngine(const ModelFolder& folder, int ordinal,
                                                      const EngineOptions& options);

}  // namespace embedserve
