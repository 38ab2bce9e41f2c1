#include "tests/support/hash_engine.h"

#include <algorithm>

namespace embedserve {
namespace {

// SplitMix64's finaliser: every input bit reaches every output bit.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

std::vector<float> HashRow(std::span<const int32_t> ids, int pooling_start, int width) {
  uint64_t hash = Mix(0x5EED + ids.size() * 65'537 + static_cast<uint64_t>(pooling_start));
  for (const int32_t id : ids) hash = Mix(hash + static_cast<uint32_t>(id) + 1);
  std::vector<float> row;
  for (int d = 0; d < width; ++d) {
    const uint64_t bits = Mix(hash + static_cast<uint64_t>(d)) >> 40;  // 24 bits: exact in fp32
    row.push_back(static_cast<float>(bits) / 8'388'608.0f - 1.0f);
  }
  return row;
}

absl::Status HashEngine::Submit(const PackedBatch& batch) {
  if (lost_.ok() && device_state) lost_ = device_state();
  if (!lost_.ok()) return lost_;
  if (submitted_.size() == kMaxInFlight || batch.tokens() > options_.max_batch_tokens ||
      batch.sequences() > options_.max_batch_sequences) {
    return absl::ResourceExhaustedError("hash engine: over its limits");
  }
  submitted_.push_back(batch);
  return absl::OkStatus();
}

absl::StatusOr<std::span<const float>> HashEngine::Collect() {
  if (submitted_.empty()) return absl::FailedPreconditionError("hash engine: nothing submitted");
  if (!lost_.ok()) return lost_;
  const PackedBatch batch = submitted_.front();
  submitted_.erase(submitted_.begin());
  if (fault_) {
    if (absl::Status status = fault_(batch); !status.ok()) {
      if (absl::IsDataLoss(status)) lost_ = status;
      return status;
    }
  }
  rows_.clear();
  for (std::size_t b = 0; b < batch.pooling_start.size(); ++b) {
    const auto begin = static_cast<std::size_t>(batch.offsets[b]);
    const auto end = static_cast<std::size_t>(batch.offsets[b + 1]);
    const std::vector<float> row =
        HashRow(batch.ids.subspan(begin, end - begin), batch.pooling_start[b], width_);
    rows_.insert(rows_.end(), row.begin(), row.end());
  }
  return rows_;
}

}  // namespace embedserve
