// A recorded list of operations that one call submits again.
#pragma once

#include <cuda_runtime_api.h>

#include <utility>

#include "kernels/stream.h"

namespace embedserve::kernels {

class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(Graph&& other) noexcept { *this = std::move(other); }
  Graph& operator=(Graph&& other) noexcept {
    std::swap(executable_, other.executable_);
    return *this;
  }

  // Records what `submit` puts on the stream, without running it, and uploads it to the device.
  // `submit` must neither allocate nor wait. Addresses and shapes are those of the recording.
  template <class Submit>
  static Graph Record(Stream& stream, Submit submit) {
    Begin(stream);
    submit();
    return End(stream);
  }

  bool empty() const { return executable_ == nullptr; }
  void Launch(Stream& stream) const;

 private:
  static void Begin(Stream& stream);
  static Graph End(Stream& stream);

  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace embedserve::kernels
