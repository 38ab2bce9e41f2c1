#include "kernels/buffer.h"

#include <cuda_runtime_api.h>

namespace embedserve::kernels {

DeviceBuffer::DeviceBuffer(Stream& stream, std::size_t bytes) {
  if (!stream.ok() || bytes == 0) return;
  void* data = nullptr;
  const std::string operation = "allocation of " + std::to_string(bytes) + " bytes on the device";
  if (!stream.Check(cudaMalloc(&data, bytes), operation.c_str())) return;
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
  stream.Check(cudaMemsetAsync(data, 0, bytes, stream.get()), "clearing device memory");
}

DeviceBuffer::~DeviceBuffer() {
  if (data_ != nullptr) cudaFree(data_);
}

PinnedBuffer::PinnedBuffer(Stream& stream, std::size_t bytes) {
  if (!stream.ok() || bytes == 0) return;
  void* data = nullptr;
  const std::string operation = "allocation of " + std::to_string(bytes) + " pinned bytes";
  if (!stream.Check(cudaMallocHost(&data, bytes), operation.c_str())) return;
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

}  // namespace embedserve::kernels
