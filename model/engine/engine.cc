#include "model/engine/engine.h"

#include <cstddef>
#include <string_view>

#include "fmt/format.h"

namespace embedserve {

std::string_view Name(ComputeType type) {
  switch (type) {
    case ComputeType::kFp32:
      return "fp32";
    case ComputeType::kFp16:
      return "fp16";
    case ComputeType::kBf16:
      return "bf16";
  }
  return "";
}

absl::Status CheckBatch(const PackedBatch& batch, const EncoderConfig& config,
                        const EngineOptions& options) {
  if (batch.tokens() > options.max_batch_tokens ||
      batch.sequences() > options.max_batch_sequences) {
    return absl::ResourceExhaustedError(fmt::format(
        "the batch has {} tokens in {} sequences; the engine was made for {} tokens in {} "
        "sequences",
        batch.tokens(), batch.sequences(), options.max_batch_tokens, options.max_batch_sequences));
  }
  if (batch.positions.size() != batch.ids.size() ||
      batch.offsets.size() != batch.pooling_start.size() + 1 || batch.offsets.front() != 0 ||
      batch.offsets.back() != batch.tokens()) {
    return absl::InvalidArgumentError("the batch's arrays do not fit together");
  }
  for (std::size_t b = 0; b < batch.pooling_start.size(); ++b) {
    const int length = batch.offsets[b + 1] - batch.offsets[b];
    if (length < 1 || length > config.MaxSequenceLength() || batch.pooling_start[b] < 0 ||
        batch.pooling_start[b] >= length) {
      return absl::InvalidArgumentError(
          fmt::format("sequence {} has {} tokens and pools from {}; the model takes 1 to {} tokens "
                      "and pools from one of them",
                      b, length, batch.pooling_start[b], config.MaxSequenceLength()));
    }
  }
  for (std::size_t t = 0; t < batch.ids.size(); ++t) {
    if (batch.ids[t] < 0 || batch.ids[t] >= config.vocabulary || batch.positions[t] < 0 ||
        batch.positions[t] >= config.positions) {
      return absl::InvalidArgumentError(
          fmt::format("token {} has id {} and position {}; the model has {} ids and {} positions",
                      t, batch.ids[t], batch.positions[t], config.vocabulary, config.positions));
    }
  }
  return absl::OkStatus();
}

}  // namespace embedserve
