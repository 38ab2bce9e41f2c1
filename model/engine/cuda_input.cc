#include "model/engine/cuda_input.h"

#include <algorithm>
#include <span>

namespace embedserve {
namespace {

using kernels::AttentionItem;

constexpr std::size_t kAlignment = 256;

std::size_t Count(int n) { return static_cast<std::size_t>(n); }

// Where each array begins.
struct Offsets {
  explicit Offsets(const CudaInputSize& size) {
    positions = ids + Aligned(Count(size.tokens) * sizeof(int32_t));
    offsets = positions + Aligned(Count(size.tokens) * sizeof(int32_t));
    starts = offsets + Aligned(Count(size.sequences + 1) * sizeof(int32_t));
    short_items = starts + Aligned(Count(size.sequences) * sizeof(int32_t));
    medium_items = short_items + Aligned(Count(size.short_items) * sizeof(AttentionItem));
    long_items = medium_items + Aligned(Count(size.medium_items) * sizeof(AttentionItem));
    end = long_items + Aligned(Count(size.long_items) * sizeof(AttentionItem));
  }
  static std::size_t Aligned(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  std::size_t ids = 0, positions, offsets, starts, short_items, medium_items, long_items, end;
};

// Copies `from` and fills up to `count` elements with `filler`.
template <class T>
void Put(std::span<const T> from, T filler, int count, std::byte* to) {
  T* const end = std::copy(from.begin(), from.end(), reinterpret_cast<T*>(to));
  std::fill(end, reinterpret_cast<T*>(to) + count, filler);
}

}  // namespace

CudaInputSize CudaInputSize::Of(const PackedBatch& batch, const kernels::AttentionPlan& plan) {
  return {.tokens = batch.tokens(),
          .sequences = batch.sequences(),
          .short_items = static_cast<int>(plan.short_items.size()),
          .medium_items = static_cast<int>(plan.medium_items.size()),
          .long_items = static_cast<int>(plan.long_items.size())};
}

CudaInputSize CudaInputSize::Most(int tokens, int sequences) {
  return {.tokens = tokens,
          .sequences = sequences,
          .short_items = sequences,
          .medium_items = std::min(sequences, kernels::AttentionPlan::MostMediumItems(tokens)),
          .long_items = kernels::AttentionPlan::MostLongItems(tokens)};
}

std::size_t CudaInputSize::bytes() const { return Offsets(*this).end; }

CudaInput InputAt(const std::byte* block, const CudaInputSize& size) {
  const Offsets at(size);
  const auto ints = [block](std::size_t offset) {
    return reinterpret_cast<const int32_t*>(block + offset);
  };
  const auto items = [block](std::size_t offset) {
    return reinterpret_cast<const AttentionItem*>(block + offset);
  };
  return {.tokens = size.tokens,
          .ids = ints(at.ids),
          .positions = ints(at.positions),
          .sequences = {ints(at.offsets), ints(at.starts), size.sequences},
          .work = {.short_items = items(at.short_items),
                   .short_count = size.short_items,
                   .medium_items = items(at.medium_items),
                   .medium_count = size.medium_items,
                   .long_items = items(at.long_items),
                   .long_count = size.long_items}};
}

void WriteInput(const PackedBatch& batch, const kernels::AttentionPlan& plan,
                const CudaInputSize& size, std::byte* block) {
  const Offsets at(size);
  // Id and position 0 are in every table. Sequences beyond the batch are empty ones at its end.
  Put(batch.ids, 0, size.tokens, block + at.ids);
  Put(batch.positions, 0, size.tokens, block + at.positions);
  Put(batch.offsets, batch.tokens(), size.sequences + 1, block + at.offsets);
  Put(batch.pooling_start, 0, size.sequences, block + at.starts);
  Put(std::span(plan.short_items), {}, size.short_items, block + at.short_items);
  Put(std::span(plan.medium_items), {}, size.medium_items, block + at.medium_items);
  Put(std::span(plan.long_items), {}, size.long_items, block + at.long_items);
}

}  // namespace embedserve
