// Views of device memory. A view owns nothing and copies freely; buffer.h has the owners.
#pragma once

#include <cstddef>
#include <cstdint>

namespace embedserve::kernels {

// Storage type of a tensor. Arithmetic is fp32 in every kernel, whatever the storage.
enum class DType { kFp32, kFp16, kBf16 };

inline constexpr DType kAllDTypes[] = {DType::kFp32, DType::kFp16, DType::kBf16};

constexpr std::size_t ByteSize(DType type) { return type == DType::kFp32 ? 4 : 2; }

// A dense row-major matrix in device memory, 16-byte aligned.
struct Tensor {
  void* data = nullptr;
  DType type = DType::kFp32;
  int rows = 0;
  int columns = 0;

  std::size_t size() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
  std::size_t bytes() const { return size() * ByteSize(type); }
  // Rows [first, first + count).
  Tensor Rows(int first, int count) const {
    const std::size_t skip =
        static_cast<std::size_t>(first) * static_cast<std::size_t>(columns) * ByteSize(type);
    return {static_cast<std::byte*>(data) + skip, type, count, columns};
  }
};

struct ConstTensor {
  const void* data = nullptr;
  DType type = DType::kFp32;
  int rows = 0;
  int columns = 0;

  ConstTensor() = default;
  ConstTensor(const Tensor& tensor)  // NOLINT: a reader's view of the same memory
      : data(tensor.data), type(tensor.type), rows(tensor.rows), columns(tensor.columns) {}
  ConstTensor(const void* d, DType t, int r, int c) : data(d), type(t), rows(r), columns(c) {}

  std::size_t size() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
  std::size_t bytes() const { return size() * ByteSize(type); }
  ConstTensor Rows(int first, int count) const {
    const std::size_t skip =
        static_cast<std::size_t>(first) * static_cast<std::size_t>(columns) * ByteSize(type);
    return {static_cast<const std::byte*>(data) + skip, type, count, columns};
  }
};

}  // namespace embedserve::kernels
