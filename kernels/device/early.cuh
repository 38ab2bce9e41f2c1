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
// by LaunchEarly (launch.cuh) touches nothing that others write before this.
__device__ inline void WaitForInput() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

}  // namespace embedserve::kernels
