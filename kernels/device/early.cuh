// Programmatic dependent launch, Hopper and later: a kernel may be placed on the device while the
// one before it still runs. Elsewhere both do nothing.
#pragma once

namespace embedserve::kernels {

// The next kernel may be placed now. It must wait by itself.
__device__ inline void LetNextStart() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Returns when everything before this kernel has ended and its writes are visible. A kernel started
// by LaunchEarly (launch.cuh) touches nothing that other kernels write before this; weights and a
// batch's own arrays (ids, offsets, work), which are copied before the first kernel starts, it may
// read. Some thread of every kernel calls it, work or none: else the kernel after would not wait
// for the one before.
__device__ inline void WaitForInput() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Brings a constant vector near, 128 bytes a thread: for the time before WaitForInput. A small pass
// reads all weights anew each time, more than the cache holds.
__device__ inline void PrefetchVector(const float* vector, int size, int thread, int threads) {
  for (int i = 32 * thread; i < size; i += 32 * threads) {
    asm volatile("prefetch.global.L1 [%0];" ::"l"(vector + i));
  }
}

}  // namespace embedserve::kernels
