// What a batch looks like on the way to a device: all its arrays in one block, copied at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/attention_plan.h"
#include "kernels/pooling.h"
#include "model/engine/packed_batch.h"

namespace embedserve {

// Numbers of elements in the block. Those of a batch, or larger: the rest is then filled with
// tokens, sequences and work that do nothing.
struct CudaInputSize {
  int tokens = 0;
  int sequences = 0;
  int short_items = 0;
  int medium_items = 0;
  int long_items = 0;

  // Of a batch as it is.
  static CudaInputSize Of(const PackedBatch& batch, const kernels::AttentionPlan& plan);
  // At least that of any batch within the limits.
  static CudaInputSize Most(int tokens, int sequences);
  std::size_t bytes() const;
};

// A block's arrays on the device.
struct CudaInput {
  int tokens = 0;
  const int32_t* ids = nullptr;        // (T)
  const int32_t* positions = nullptr;  // (T)
  kernels::Sequences sequences;
  kernels::AttentionWork work;
};

// The arrays of a block of this size that begins at `block`.
CudaInput InputAt(const std::byte* block, const CudaInputSize& size);

// Fills a block in host memory.
void WriteInput(const PackedBatch& batch, const kernels::AttentionPlan& plan,
                const CudaInputSize& size, std::byte* block);

}  // namespace embedserve
