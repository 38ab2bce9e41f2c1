// Packets on their way from global to shared memory: bytes in flight that cost no registers.
#pragma once

#include "kernels/device/mma.cuh"  // CopyAsync
#include "kernels/device/packet.cuh"

namespace embedserve::kernels {

// A part of the group that the next CommitCopies() ends. `to` lies in shared memory.
template <class T>
__device__ inline void CopyPacketAsync(RawPacket<T, kPacket>& to, const T* from) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(&to));
#pragma unroll
  for (int i = 0; i < RawPacket<T, kPacket>::kWords; ++i) {
    CopyAsync(address + 16 * i, reinterpret_cast<const uint4*>(from) + i, true);
  }
}

}  // namespace embedserve::kernels
