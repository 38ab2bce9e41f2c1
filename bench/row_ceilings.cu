#include <cstdint>

#include "bench/row_ceilings.h"
#include "kernels/device/early.cuh"
#include "kernels/launch.cuh"

namespace embedserve {
namespace {

using kernels::Blocks;

constexpr int kThreads = 256;
constexpr int kWords = 4;  // that a thread asks for at once

__device__ std::size_t FirstWord() {
  return static_cast<std::size_t>(blockIdx.x) * kThreads * kWords + threadIdx.x;
}

__global__ void __launch_bounds__(kThreads) ReadKernel(const uint4* a, std::size_t size) {
  kernels::LetNextStart();
  kernels::WaitForInput();
  uint4 words[kWords] = {};
#pragma unroll
  for (int w = 0; w < kWords; ++w) {
    const std::size_t i = FirstWord() + static_cast<std::size_t>(w * kThreads);
    if (i < size) words[w] = a[i];
  }
  uint32_t all = 0;
#pragma unroll
  for (const uint4& word : words) all |= word.x ^ word.y ^ word.z ^ word.w;
  // Never so for random words; the compiler does not know, and must read.
  if (all == 0x5eed5eed) __trap();
}

template <bool kTwo>
__global__ void __launch_bounds__(kThreads)
    MoveKernel(const uint4* a, const uint4* b, std::size_t size, uint4* out) {
  kernels::LetNextStart();
  kernels::WaitForInput();
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= size) return;
  uint4 word = a[i];
  if constexpr (kTwo) {
    const uint4 more = b[i];
    word = {word.x ^ more.x, word.y ^ more.y, word.z ^ more.z, word.w ^ more.w};
  }
  out[i] = word;
}

}  // namespace

void ReadRows(kernels::Stream& stream, kernels::ConstTensor a) {
  const std::size_t size = a.bytes() / sizeof(uint4);
  kernels::LaunchEarly(stream, "read", ReadKernel, dim3(Blocks(size, kThreads * kWords)),
                       dim3(kThreads), 0, static_cast<const uint4*>(a.data), size);
}

void MoveRows(kernels::Stream& stream, kernels::ConstTensor a, kernels::ConstTensor b,
              kernels::Tensor out) {
  const std::size_t size = a.bytes() / sizeof(uint4);
  kernels::LaunchEarly(stream, "move", b.data == nullptr ? MoveKernel<false> : MoveKernel<true>,
                       dim3(Blocks(size, kThreads)), dim3(kThreads), 0,
                       static_cast<const uint4*>(a.data), static_cast<const uint4*>(b.data), size,
                       static_cast<uint4*>(out.data));
}

}  // namespace embedserve
