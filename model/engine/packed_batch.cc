#include "model/engine/packed_batch.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace embedserve {

void BatchBuilder::Clear() {
  ids_.clear();
  positions_.clear();
  offsets_.assign(1, 0);
  pooling_start_.clear();
}

void BatchBuilder::Add(std::span<const int32_t> ids, int pooling_start) {
  assert(!ids.empty());
  assert(pooling_start >= 0 && static_cast<std::size_t>(pooling_start) < ids.size());
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  switch (rule_) {
    case PositionRule::kIndex:
      for (std::size_t i = 0; i < ids.size(); ++i) positions_.push_back(static_cast<int32_t>(i));
      break;
    case PositionRule::kAfterPadding: {
      // A literal pad id in the text stalls the count, as in Hugging Face's padded path.
      int32_t position = pad_id_;
      for (const int32_t id : ids) positions_.push_back(id == pad_id_ ? pad_id_ : ++position);
      break;
    }
  }
  offsets_.push_back(tokens());
  pooling_start_.push_back(pooling_start);
}

PackedBatch BatchBuilder::Batch() const { return {ids_, positions_, offsets_, pooling_start_}; }

}  // namespace embedserve
