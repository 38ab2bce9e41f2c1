// Uninitialised memory for an engine's activations: reserved once from the engine's options, given
// pages by the kernel only where a batch really reaches.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace embedserve {

template <typename T>
class Buffer {
  static_assert(std::is_trivial_v<T>, "a Buffer runs no constructors");

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size)
      : data_(static_cast<T*>(::operator new(size * sizeof(T), kAlignment))) {}

  T* data() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};  // a cache line, an AVX-512 register
  struct Free {
    void operator()(T* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<T, Free> data_;
};

}  // namespace embedserve
