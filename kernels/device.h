// The CUDA devices of this machine, or the plain reason why there is none to use. A host header:
// it needs no CUDA, and a build without CUDA links it too.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace embedserve::kernels {

// Kernels use bf16 tensor cores and asynchronous copies: Ampere (8.0) and later.
inline constexpr int kLeastComputeCapability = 80;  // 10 * major + minor

struct Device {
  int ordinal = 0;             // as CUDA counts them, after CUDA_VISIBLE_DEVICES
  std::string name;            // "NVIDIA H100 80GB HBM3"
  int compute_capability = 0;  // 10 * major + minor: 90 for an H100
  std::size_t memory_bytes = 0;

  bool supported() const { return compute_capability >= kLeastComputeCapability; }
};

// What the CUDA runtime answers, before any judgement.
struct DriverAnswer {
  bool built_with_cuda = false;
  int runtime_version = 0;  // CUDA of this binary, 1000 * major + 10 * minor: 13000 is 13.0
  int driver_version = 0;   // newest CUDA that the driver knows; 0: no driver
  std::string error;        // the runtime's own words when it refused to count devices, else empty
  std::string missing;      // which library a supported device still needs (cublaslt.h), else empty
  std::vector<Device> devices;
};

// Asks the runtime; creates no context and takes no device memory. Any thread.
DriverAnswer AskDriver();

// One sentence that says why no device can be used and what to do; empty when one can.
std::string WhyNoDevice(const DriverAnswer& answer);

// Has a device of this process been found to hang (stream.h)? Whatever waits for it then waits for
// ever: so memory, graphs and the like are left as they are, and the process has to be ended by
// std::_Exit, for at std::exit CUDA would wait too.
bool DeviceHangs();
void SetDeviceHangs();

// One line for lists and logs: "cuda:0 NVIDIA H100 80GB HBM3, compute capability 9.0, 79.6 GiB".
std::string Describe(const Device& device);

}  // namespace embedserve::kernels
