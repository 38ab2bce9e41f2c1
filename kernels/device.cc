#include "kernels/device.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace embedserve::kernels {
namespace {

std::atomic<bool> device_hangs{false};

std::string CudaVersion(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string ComputeCapability(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

}  // namespace

std::string WhyNoDevice(const DriverAnswer& answer) {
  if (!answer.built_with_cuda) {
    return "this embedserve was built without CUDA: build it with -DEMBEDSERVE_CUDA=ON, or use "
           "--device cpu";
  }
  if (answer.driver_version == 0) {
    return "no NVIDIA driver was found: install it (in a container: start it with GPU access), or "
           "use --device cpu";
  }
  // Within one major version CUDA runs on any driver of that version.
  if (answer.driver_version / 1000 < answer.runtime_version / 1000) {
    return "the NVIDIA driver is too old: it knows CUDA " + CudaVersion(answer.driver_version) +
           ", this embedserve was built with CUDA " + CudaVersion(answer.runtime_version) +
           ": update the driver, or use --device cpu";
  }
  if (!answer.error.empty()) {
    return "the CUDA runtime found no device to use (" + answer.error +
           "): see what nvidia-smi says, and whether CUDA_VISIBLE_DEVICES hides the devices";
  }
  if (answer.devices.empty()) {
    return "no CUDA device is visible: check CUDA_VISIBLE_DEVICES, or use --device cpu";
  }
  if (std::ranges::any_of(answer.devices, &Device::supported)) return answer.missing;
  const Device& best = *std::ranges::max_element(answer.devices, {}, &Device::compute_capability);
  return "the best CUDA device, " + best.name + ", has compute capability " +
         ComputeCapability(best.compute_capability) + "; " +
         ComputeCapability(kLeastComputeCapability) +
         " (Ampere) or later is needed: use --device cpu";
}

bool DeviceHangs() { return device_hangs; }

void SetDeviceHangs() { device_hangs = true; }

std::string Describe(const Device& device) {
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  char gigabytes[32];
  std::snprintf(gigabytes, sizeof gigabytes, "%.1f GiB",
                static_cast<double>(device.memory_bytes) / kGiB);
  return "cuda:" + std::to_string(device.ordinal) + " " + device.name + ", compute capability " +
         ComputeCapability(device.compute_capability) + ", " + gigabytes;
}

}  // namespace embedserve::kernels
