// What a build without CUDA gets in place of cuda_engine.cc.
#include "kernels/device.h"
#include "model/engine/cuda_engine.h"

namespace embedserve {

absl::StatusOr<std::unique_ptr<Engine>> NewCudaEngine(const ModelFolder& /*folder*/,
                                                      int /*ordinal*/,
                                                      const EngineOptions& /*options*/) {
  return absl::FailedPreconditionError(kernels::WhyNoDevice(kernels::AskDriver()));
}

}  // namespace embedserve
