#include "model/engine/scorers_in_turn.h"

#include <atomic>
#include <cstddef>
#include <utility>

namespace embedserve {
namespace {

class InTurn final : public Scorer {
 public:
  explicit InTurn(std::vector<std::shared_ptr<Scorer>> scorers) : scorers_(std::move(scorers)) {}

  absl::Status Pairs(SimilarityFunction function, std::span<const float> a,
                     std::span<const float> b, int width, std::span<float> scores) override {
    return Give([&](Scorer& scorer) { return scorer.Pairs(function, a, b, width, scores); });
  }
  absl::Status Matrix(SimilarityFunction function, std::span<const float> a,
                      std::span<const float> b, int width, std::span<float> scores) override {
    return Give([&](Scorer& scorer) { return scorer.Matrix(function, a, b, width, scores); });
  }
  absl::Status Best(SimilarityFunction function, std::span<const float> a, std::span<const float> b,
                    int width, int k, std::span<float> scores,
                    std::span<uint32_t> columns) override {
    return Give(
        [&](Scorer& scorer) { return scorer.Best(function, a, b, width, k, scores, columns); });
  }

 private:
  template <class Call>
  absl::Status Give(Call call) {
    const std::size_t first = next_++;
    absl::Status status;
    for (std::size_t i = 0; i < scorers_.size(); ++i) {
      status = call(*scorers_[(first + i) % scorers_.size()]);
      if (!absl::IsDataLoss(status)) return status;
    }
    return status;
  }

  const std::vector<std::shared_ptr<Scorer>> scorers_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace

std::shared_ptr<Scorer> ScorersInTurn(std::vector<std::shared_ptr<Scorer>> scorers) {
  std::erase(scorers, nullptr);
  if (scorers.empty()) return nullptr;
  if (scorers.size() == 1) return std::move(scorers.front());
  return std::make_shared<InTurn>(std::move(scorers));
}

}  // namespace embedserve
