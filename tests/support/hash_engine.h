// An engine whose row is a keyed hash of the sequence: wrong, swapped, stale or doubled rows show.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/engine/engine.h"

namespace embedserve {

// (width) values in [-1, 1), depending on every id and its place, the number of ids and
// pooling_start.
std::vector<float> HashRow(std::span<const int32_t> ids, int pooling_start, int width);

class HashEngine final : public Engine {
 public:
  // Asked before each batch is collected: may wait, or fail the batch; with DATA_LOSS, for ever.
  using Fault = std::function<absl::Status(const PackedBatch&)>;

  explicit HashEngine(int width, EngineOptions options = {}, Fault fault = {})
      : width_(width), options_(options), fault_(std::move(fault)) {}

  absl::Status Submit(const PackedBatch& batch) override;
  absl::StatusOr<std::span<const float>> Collect() override;
  int width() const override { return width_; }
  BatchLimits limits() const override {
    return {options_.max_batch_tokens, options_.max_batch_sequences};
  }
  std::string device() const override { return "hash"; }
  ComputeType compute_type() const override { return options_.compute_type; }
  std::shared_ptr<Scorer> scorer() override { return scorer_; }
  void set_scorer(std::shared_ptr<Scorer> scorer) { scorer_ = std::move(scorer); }

  std::size_t in_flight() const { return submitted_.size(); }
  bool Ready() override { return !ready || ready(); }

  // What Ready says, if set; asked on the thread that uses the engine.
  std::function<bool()> ready;
  // The state of the device as Submit finds it, if set.
  std::function<absl::Status()> device_state;

 private:
  const int width_;
  const EngineOptions options_;
  const Fault fault_;
  std::vector<PackedBatch> submitted_;  // oldest first
  absl::Status lost_;
  std::shared_ptr<Scorer> scorer_;
  std::vector<float> rows_;  // of the batch collected last
};

}  // namespace embedserve
