// Kernel launches that may overlap the end of the kernel before.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/stream.h"

namespace embedserve::kernels {

// Blocks of `a_block` items each that hold all `items`.
template <class Count>
unsigned Blocks(Count items, int a_block) {
  const auto each = static_cast<Count>(a_block);
  return static_cast<unsigned>((items + each - 1) / each);
}

// kernel<<<grid, block, shared>>>(arguments...), placed as soon as the kernel before says
// LetNextStart(). `kernel` must begin with WaitForInput(): see device/early.cuh.
template <class... Parameters, class... Arguments>
void LaunchEarly(Stream& stream, const char* operation, void (*kernel)(Parameters...), dim3 grid,
                 dim3 block, std::size_t shared, Arguments... arguments) {
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream.get();
  config.attrs = &early;
  config.numAttrs = stream.launches_early() ? 1 : 0;
  stream.Check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...),
               operation);
}

}  // namespace embedserve::kernels
