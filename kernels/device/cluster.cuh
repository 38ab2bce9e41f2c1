// Blocks of a cluster, which reach each other's shared memory, and copies by the tensor memory
// accelerator into it (sm_90 and later).
#pragma once

#include <cuda.h>

#include <cstdint>

namespace embedserve::kernels {

__device__ inline int ClusterRank() {
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
}
__device__ inline int ClusterBlocks() {
  uint32_t blocks;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  return static_cast<int>(blocks);
}

// One lane of a warp whose lanes all ask: what it alone does costs no loop over the lanes.
__device__ inline bool IsElected() {
  uint32_t elected;
  asm volatile("{ .reg .pred p; elect.sync _|p, 0xffffffff; selp.u32 %0, 1, 0, p; }"
               : "=r"(elected));
  return elected != 0;
}

// All threads of all blocks of the cluster. Orders barriers that PublishBarriers() follows, and
// nothing else: a fence over all of memory takes a microsecond.
__device__ inline void ClusterSync() {
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// After InitBarrier, by the same thread: other blocks and copies may use the barriers, once a
// ClusterSync() has followed (the thread's own copies at once).
__device__ inline void PublishBarriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// Arrives at the barrier that block `rank` of the cluster has at this place, which must not have
// exited. What this thread has read before is read.
__device__ inline void ArriveAt(uint32_t barrier, int rank) {
  asm volatile(
      "{ .reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; "
      "mbarrier.arrive.shared::cluster.b64 _, [there]; }" ::"r"(barrier),
      "r"(rank)
      : "memory");
}

// Arrives, and lets the phase end only when copies have brought so many bytes.
__device__ inline void ArriveExpecting(uint32_t barrier, int bytes) {
  asm volatile(
      "{ .reg .b64 state; mbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1; }" ::"r"(
          barrier),
      "r"(bytes)
      : "memory");
}

__device__ inline void PrefetchMap(const CUtensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

// One box of a tensor of three dimensions, from element (c0, c1, c2) on, to shared memory; its
// bytes count at `barrier`. One thread.
__device__ inline void CopyBox(uint32_t to, const CUtensorMap& map, int c0, int c1, int c2,
                               uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4, %5}], [%2];" ::"r"(to),
      "l"(&map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}
// The same, to this place in all `blocks` first blocks of the cluster, each with its own barrier.
__device__ inline void CopyBoxToAll(uint32_t to, const CUtensorMap& map, int c0, int c1, int c2,
                                    uint32_t barrier, int blocks) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(to),
      "l"(&map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2),
      "h"(static_cast<uint16_t>((1u << blocks) - 1))
      : "memory");
}

}  // namespace embedserve::kernels
