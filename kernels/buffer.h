// Owners of memory that a device uses. They move, free what they own, unless a device hangs
// (device.h), and report a failed allocation through the Stream they were made with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// Memory of the stream's device, zeroed: what no kernel wrote yet is finite.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Stream& stream, std::size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept { *this = std::move(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Page-locked host memory: copies to and from it run beside the host's own work.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(Stream& stream, std::size_t bytes);
  ~PinnedBuffer();
  PinnedBuffer(PinnedBuffer&& other) noexcept { *this = std::move(other); }
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// What these owners took from all devices of the process.
struct DeviceMemoryUse {
  int64_t allocations = 0;     // ever, pinned host memory included
  std::size_t bytes = 0;       // held now, on devices
  std::size_t most_bytes = 0;  // held at once since ResetMostDeviceBytes
};
DeviceMemoryUse MeasureDeviceMemory();
void ResetMostDeviceBytes();

// Bytes that the stream's device could still give, to any process.
std::size_t FreeDeviceMemory(Stream& stream);

// Cuts one allocation into aligned pieces. The same code measures and cuts: run it first on
// Arena(nullptr), allocate used() bytes, run it again on those.
class Arena {
 public:
  explicit Arena(std::byte* base) : base_(base) {}

  std::byte* Take(std::size_t bytes) {
    std::byte* const piece = base_ == nullptr ? nullptr : base_ + used_;
    used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return piece;
  }
  Tensor TakeTensor(DType type, int rows, int columns) {
    Tensor tensor{nullptr, type, rows, columns};
    tensor.data = Take(tensor.bytes());
    return tensor;
  }
  template <class T>
  T* TakeArray(std::size_t count) {
    return reinterpret_cast<T*>(Take(count * sizeof(T)));
  }
  std::size_t used() const { return used_; }

 private:
  static constexpr std::size_t kAlignment = 256;  // what cudaMalloc gives
  std::byte* base_;
  std::size_t used_ = 0;
};

}  // namespace embedserve::kernels
