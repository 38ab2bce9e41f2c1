#include "kernels/buffer.h"

#include <cuda_runtime_api.h>

#include <atomic>

#include "kernels/device.h"

namespace embedserve::kernels {
namespace {

std::atomic<int64_t> allocations{0};
std::atomic<std::size_t> bytes_held{0}, most_bytes_held{0};

void CountDeviceBytes(std::size_t bytes) {
  const std::size_t now = bytes_held.fetch_add(bytes) + bytes;
  std::size_t most = most_bytes_held.load();
  while (now > most && !most_bytes_held.compare_exchange_weak(most, now)) {
  }
}

}  // namespace

DeviceBuffer::DeviceBuffer(Stream& stream, std::size_t bytes) {
  if (!stream.ok() || bytes == 0) return;
  void* data = nullptr;
  const std::string operation = "allocation of " + std::to_string(bytes) + " bytes on the device";
  if (!stream.Check(cudaMalloc(&data, bytes), operation.c_str())) return;
  ++allocations;
  CountDeviceBytes(bytes);
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
  stream.Check(cudaMemsetAsync(data, 0, bytes, stream.get()), "clearing device memory");
}

DeviceBuffer::~DeviceBuffer() {
  if (data_ == nullptr || DeviceHangs()) return;
  cudaFree(data_);
  bytes_held -= size_;
}

PinnedBuffer::PinnedBuffer(Stream& stream, std::size_t bytes) {
  if (!stream.ok() || bytes == 0) return;
  void* data = nullptr;
  const std::string operation = "allocation of " + std::to_string(bytes) + " pinned bytes";
  if (!stream.Check(cudaMallocHost(&data, bytes), operation.c_str())) return;
  ++allocations;
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr && !DeviceHangs()) cudaFreeHost(data_);
}

DeviceMemoryUse MeasureDeviceMemory() {
  return {.allocations = allocations, .bytes = bytes_held, .most_bytes = most_bytes_held};
}

void ResetMostDeviceBytes() { most_bytes_held = bytes_held.load(); }

std::size_t FreeDeviceMemory(Stream& stream) {
  stream.MakeCurrent();
  std::size_t free = 0, total = 0;
  stream.Check(cudaMemGetInfo(&free, &total), "free memory");
  return free;
}

}  // namespace embedserve::kernels
