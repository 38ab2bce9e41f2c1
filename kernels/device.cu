// Asks the CUDA runtime about devices. Counting them and reading their properties creates no
// context, so a process that then serves from the CPU holds no device memory.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/cublaslt.h"
#include "kernels/device.h"

namespace embedserve::kernels {

DriverAnswer AskDriver() {
  DriverAnswer answer{.built_with_cuda = true, .runtime_version = CUDART_VERSION};
  // Without a driver this succeeds and says 0.
  if (cudaDriverGetVersion(&answer.driver_version) != cudaSuccess) answer.driver_version = 0;
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    answer.error = cudaGetErrorString(error);
    return answer;
  }
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cudaDeviceProp properties;
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, ordinal);
        error != cudaSuccess) {
      answer.error = cudaGetErrorString(error);
      return answer;
    }
    answer.devices.push_back({.ordinal = ordinal,
                              .name = properties.name,
                              .compute_capability = 10 * properties.major + properties.minor,
                              .memory_bytes = properties.totalGlobalMem});
  }
  if (std::ranges::any_of(answer.devices, &Device::supported)) answer.missing = WhyNoCublasLt();
  return answer;
}

}  // namespace embedserve::kernels
