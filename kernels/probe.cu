#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/probe.h"

namespace embedserve::kernels {
namespace {

constexpr int kThreads = 256;

// A 32-bit integer hash with full avalanche (Ellis' "lowbias32" constants).
__device__ uint32_t Hash(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

template <class T>
__global__ void __launch_bounds__(kThreads) FillKernel(uint32_t seed, T* x, std::size_t size) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= size) return;
  const uint32_t bits = Hash(static_cast<uint32_t>(i) + Hash(seed));
  x[i] = FromFloat<T>(static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
}

template <class Bits>
__global__ void __launch_bounds__(kThreads)
    DifferenceKernel(const Bits* a, const Bits* b, std::size_t size, unsigned* count) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  const unsigned differing = __ballot_sync(kFullWarp, i < size && a[i] != b[i]);
  if (threadIdx.x % kWarp == 0 && differing != 0) atomicAdd(count, __popc(differing));
}

}  // namespace

void FillRandom(Stream& stream, uint32_t seed, Tensor x) {
  if (!stream.ok() || x.size() == 0) return;
  DispatchType(x.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    FillKernel<<<Blocks(x.size(), kThreads), kThreads, 0, stream.get()>>>(
        seed, static_cast<T*>(x.data), x.size());
  });
  stream.CheckLaunch("random values");
}

void CountDifferences(Stream& stream, ConstTensor a, ConstTensor b, unsigned* count) {
  if (!stream.ok() || a.size() == 0) return;
  if (ByteSize(a.type) == 4) {
    DifferenceKernel<<<Blocks(a.size(), kThreads), kThreads, 0, stream.get()>>>(
        static_cast<const uint32_t*>(a.data), static_cast<const uint32_t*>(b.data), a.size(),
        count);
  } else {
    DifferenceKernel<<<Blocks(a.size(), kThreads), kThreads, 0, stream.get()>>>(
        static_cast<const uint16_t*>(a.data), static_cast<const uint16_t*>(b.data), a.size(),
        count);
  }
  stream.CheckLaunch("comparison");
}

}  // namespace embedserve::kernels
