// One batch through an engine, for tests of engines.
#pragma once

#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "model/engine/engine.h"

namespace embedserve {

// (B, width), poisoned with NaN before: a row that was not written shows.
inline std::vector<float> RowsOf(Engine& engine, const PackedBatch& batch) {
  std::vector<float> rows(static_cast<std::size_t>(batch.sequences() * engine.width()),
                          std::numeric_limits<float>::quiet_NaN());
  const absl::Status submitted = engine.Submit(batch);
  EXPECT_TRUE(submitted.ok()) << submitted;
  const absl::Status collected = engine.Collect(rows);
  EXPECT_TRUE(collected.ok()) << collected;
  return rows;
}

}  // namespace embedserve
