// One batch through an engine, for tests of engines.
#pragma once

#include <vector>

#include "gtest/gtest.h"
#include "model/engine/engine.h"

namespace embedserve {

// (B, width) of the oldest batch in flight.
inline std::vector<float> Collected(Engine& engine) {
  const auto rows = engine.Collect();
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? std::vector<float>(rows->begin(), rows->end()) : std::vector<float>();
}

// (B, width) of this batch, with nothing else in flight.
inline std::vector<float> RowsOf(Engine& engine, const PackedBatch& batch) {
  const absl::Status submitted = engine.Submit(batch);
  EXPECT_TRUE(submitted.ok()) << submitted;
  return Collected(engine);
}

}  // namespace embedserve
