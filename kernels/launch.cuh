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

// kernel<<<grid, block, shared>>>(arguments...) in clusters of `cluster` blocks, placed as soon as
// the kernel before says LetNextStart(). `kernel` must begin with WaitForInput(): see
// device/early.cuh.
template <class... Parameters, class... Arguments>
void LaunchClustersEarly(Stream& stream, const char* operation, void (*kernel)(Parameters...),
                         dim3 grid, dim3 block, std::size_t shared, unsigned cluster,
                         Arguments... arguments) {
  cudaLaunchAttribute attributes[2]{};
  unsigned count = 0;
  if (stream.launches_early()) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {cluster, 1, 1};
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream.get();
  config.attrs = attributes;
  config.numAttrs = count;
  stream.Check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...),
               operation);
}

// The same without clusters.
template <class... Parameters, class... Arguments>
void LaunchEarly(Stream& stream, const char* operation, void (*kernel)(Parameters...), dim3 grid,
                 dim3 block, std::size_t shared, Arguments... arguments) {
  LaunchClustersEarly(stream, operation, kernel, grid, block, shared, 1, arguments...);
}

}  // namespace embedserve::kernels
