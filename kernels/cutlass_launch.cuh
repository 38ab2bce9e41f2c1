// One launch of a product that CUTLASS describes: checked, set up and started on a stream.
#pragma once

#include <cuda_runtime_api.h>

#include "cutlass/cutlass.h"

namespace embedserve::kernels {

// Gemm: a cutlass::gemm::device::GemmUniversalAdapter of a kernel that needs no workspace.
template <class Gemm>
cudaError_t LaunchCutlass(const typename Gemm::Arguments& arguments, cudaStream_t stream) {
  if (Gemm::can_implement(arguments) != cutlass::Status::kSuccess) return cudaErrorInvalidValue;
  Gemm gemm;
  if (gemm.initialize(arguments, /*workspace=*/nullptr, stream) != cutlass::Status::kSuccess) {
    return cudaErrorInvalidConfiguration;
  }
  if (gemm.run(stream) != cutlass::Status::kSuccess) return cudaErrorLaunchFailure;
  return cudaSuccess;
}

}  // namespace embedserve::kernels
