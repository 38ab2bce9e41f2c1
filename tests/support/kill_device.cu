#include <cuda_runtime.h>

#include "tests/support/kill_device.h"

namespace embedserve {
namespace {

__device__ unsigned long long Nanoseconds() {
  unsigned long long now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  return now;
}

__global__ void KillKernel(unsigned long long delay_ns, bool trap) {
  const unsigned long long start = Nanoseconds();
  while (Nanoseconds() - start < delay_ns) {
  }
  if (trap) {
    asm volatile("trap;");
  } else {
    *reinterpret_cast<volatile int*>(64) = 1;
  }
}

__global__ void __launch_bounds__(1024) HangKernel(volatile bool* ever) {
  while (!*ever) {
  }
}

// As many blocks of 1024 threads as there is room for: no other kernel finds any.
void Hang(int ordinal, cudaStream_t stream) {
  int multiprocessors = 0, threads = 0;
  cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, ordinal);
  cudaDeviceGetAttribute(&threads, cudaDevAttrMaxThreadsPerMultiProcessor, ordinal);
  bool* ever = nullptr;
  cudaMalloc(&ever, 1);
  cudaMemset(ever, 0, 1);
  HangKernel<<<multiprocessors * threads / 1024, 1024, 0, stream>>>(ever);
}

}  // namespace

void KillDevice(int ordinal, DeviceCrime crime, int delay_us) {
  cudaSetDevice(ordinal);
  cudaStream_t stream = nullptr;  // never destroyed: it dies with the device
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  if (crime == DeviceCrime::kHang) {
    Hang(ordinal, stream);
    return;
  }
  KillKernel<<<1, 1, 0, stream>>>(1000ULL * static_cast<unsigned>(delay_us),
                                  crime == DeviceCrime::kTrap);
}

}  // namespace embedserve
