// The same mathematics as every engine, in double precision, one sequence at a time, loops as in
// the formulas: what the tests measure the engines against. Slow, and kept obvious.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "model/engine/engine.h"
#include "model/folder/model_folder.h"

namespace embedserve {

class ReferenceEngine final : public Engine {
 public:
  // `folder` must outlive the engine.
  explicit ReferenceEngine(const ModelFolder& folder) : folder_(folder) {}

  // (B, width()) in double precision.
  std::vector<double> Rows(const PackedBatch& batch) const;

  absl::Status Submit(const PackedBatch& batch) override;
  absl::StatusOr<std::span<const float>> Collect() override;
  int width() const override { return folder_.dimensions; }
  BatchLimits limits() const override {
    return {std::numeric_limits<int>::max(), std::numeric_limits<int>::max()};
  }
  std::string device() const override { return "cpu (double precision reference)"; }
  ComputeType compute_type() const override { return ComputeType::kFp32; }

 private:
  const ModelFolder& folder_;
  std::vector<PackedBatch> waiting_;
  std::vector<float> rows_;  // of the batch collected last
};

}  // namespace embedserve
