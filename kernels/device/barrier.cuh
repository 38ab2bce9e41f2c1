// Barriers in shared memory between the warps of a block that copy and those that compute (sm_80
// and later). A barrier counts arrivals; each time its count is reached a phase ends, and phases
// are told apart by their parity: the first is 0.
#pragma once

#include <cstdint>

namespace embedserve::kernels {

// `arrivals` a phase. By one thread, before a __syncthreads().
__device__ inline void InitBarrier(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ inline void Arrive(uint32_t barrier) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(barrier)
               : "memory");
}

// Returns when the phase of this parity has ended.
__device__ inline void WaitForPhase(uint32_t barrier, int parity) {
  uint32_t ended = 0;
  while (ended == 0) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile(
        "{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
        : "=r"(ended)
        : "r"(barrier), "r"(parity)
        : "memory");
#else
    asm volatile(
        "{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
        : "=r"(ended)
        : "r"(barrier), "r"(parity)
        : "memory");
#endif
  }
}

}  // namespace embedserve::kernels
