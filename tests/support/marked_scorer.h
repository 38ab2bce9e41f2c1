// A scorer whose every score is kMark, so that a test sees who computed; or that fails, having
// scribbled its output.
#pragma once

#include <algorithm>
#include <atomic>
#include <utility>

#include "model/engine/scorer.h"

namespace embedserve {

class MarkedScorer final : public Scorer {
 public:
  static constexpr float kMark = 0.125f;

  explicit MarkedScorer(absl::Status status = absl::OkStatus()) : status_(std::move(status)) {}

  absl::Status Pairs(SimilarityFunction, std::span<const float>, std::span<const float>, int,
                     std::span<float> scores) override {
    return Mark(scores);
  }
  absl::Status Matrix(SimilarityFunction, std::span<const float>, std::span<const float>, int,
                      std::span<float> scores) override {
    return Mark(scores);
  }
  absl::Status Best(SimilarityFunction, std::span<const float>, std::span<const float>, int, int k,
                    std::span<float> scores, std::span<uint32_t> columns) override {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns[i] = static_cast<uint32_t>(i % static_cast<std::size_t>(k));
    }
    return Mark(scores);
  }

  int calls() const { return calls_; }

 private:
  absl::Status Mark(std::span<float> scores) {
    ++calls_;
    std::ranges::fill(scores, kMark);
    return status_;
  }

  const absl::Status status_;
  std::atomic<int> calls_{0};
};

}  // namespace embedserve
