// Sequences of a batch laid end to end, without padding: what an engine takes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/folder/encoder_config.h"

namespace embedserve {

// Views; the owner keeps them valid until the engine has given the batch's rows back.
struct PackedBatch {
  std::span<const int32_t> ids;        // (T)
  std::span<const int32_t> positions;  // (T) row of the position table
  std::span<const int32_t> offsets;    // (B + 1) sequence b is [offsets[b], offsets[b + 1])
  // (B) first position of the sequence that pools: 0, or the prompt's token count where the folder
  // says include_prompt = false. Always below the sequence's length.
  std::span<const int32_t> pooling_start;

  int tokens() const { return static_cast<int>(ids.size()); }               // T
  int sequences() const { return static_cast<int>(pooling_start.size()); }  // B
};

// Owns the arrays of a batch under construction. Keeps its capacity across Clear().
class BatchBuilder {
 public:
  // Positions follow the encoder's rule.
  BatchBuilder(PositionRule rule, int32_t pad_id) : rule_(rule), pad_id_(pad_id) {}
  explicit BatchBuilder(const EncoderConfig& config)
      : BatchBuilder(config.position_rule, config.pad_id) {}

  void Clear();
  // `ids` must not be empty and 0 <= pooling_start < ids.size().
  void Add(std::span<const int32_t> ids, int pooling_start = 0);
  PackedBatch Batch() const;  // valid until the next Add or Clear
  int tokens() const { return static_cast<int>(ids_.size()); }
  int sequences() const { return static_cast<int>(pooling_start_.size()); }

 private:
  PositionRule rule_;
  int32_t pad_id_;
  std::vector<int32_t> ids_, positions_, offsets_{0}, pooling_start_;
};

}  // namespace embedserve
