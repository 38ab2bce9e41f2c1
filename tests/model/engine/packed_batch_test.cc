#include "model/engine/packed_batch.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BatchBuilderTest, LaysSequencesEndToEnd) {
  BatchBuilder builder(PositionRule::kIndex, 0);
  builder.Add(std::vector<int32_t>{101, 7, 102});
  builder.Add(std::vector<int32_t>{101, 8, 9, 102}, /*pooling_start=*/2);
  const PackedBatch batch = builder.Batch();
  EXPECT_THAT(batch.ids, ElementsAre(101, 7, 102, 101, 8, 9, 102));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 2, 0, 1, 2, 3));
  EXPECT_THAT(batch.offsets, ElementsAre(0, 3, 7));
  EXPECT_THAT(batch.pooling_start, ElementsAre(0, 2));
  EXPECT_EQ(batch.tokens(), 7);
  EXPECT_EQ(batch.sequences(), 2);
}

TEST(BatchBuilderTest, EmptyBatchHasOneOffset) {
  BatchBuilder builder(PositionRule::kIndex, 0);
  const PackedBatch batch = builder.Batch();
  EXPECT_THAT(batch.ids, IsEmpty());
  EXPECT_THAT(batch.offsets, ElementsAre(0));
  EXPECT_EQ(batch.sequences(), 0);
}

TEST(BatchBuilderTest, ClearForgetsEverything) {
  BatchBuilder builder(PositionRule::kIndex, 0);
  builder.Add(std::vector<int32_t>{1, 2, 3}, 1);
  builder.Clear();
  EXPECT_EQ(builder.tokens(), 0);
  EXPECT_EQ(builder.sequences(), 0);
  builder.Add(std::vector<int32_t>{4});
  EXPECT_THAT(builder.Batch().offsets, ElementsAre(0, 1));
  EXPECT_THAT(builder.Batch().positions, ElementsAre(0));
  EXPECT_THAT(builder.Batch().pooling_start, ElementsAre(0));
}

// The fixtures of semantics.md 9, run against sentence-transformers' padded path.
TEST(BatchBuilderTest, RobertaCountsFromAfterThePadId) {
  BatchBuilder builder(PositionRule::kAfterPadding, 1);
  builder.Add(std::vector<int32_t>{0, 713, 2});
  EXPECT_THAT(builder.Batch().positions, ElementsAre(2, 3, 4));
}

TEST(BatchBuilderTest, LiteralPadIdsStallTheCount) {
  BatchBuilder builder(PositionRule::kAfterPadding, 1);
  builder.Add(std::vector<int32_t>{0, 713, 2, 1, 1});
  builder.Add(std::vector<int32_t>{0, 713, 1, 99, 2});
  EXPECT_THAT(builder.Batch().positions, ElementsAre(2, 3, 4, 1, 1, 2, 3, 1, 4, 5));
}

TEST(BatchBuilderTest, PadIdNeedNotBeOne) {
  EncoderConfig config;
  config.position_rule = PositionRule::kAfterPadding;
  config.pad_id = 3;
  BatchBuilder builder(config);
  builder.Add(std::vector<int32_t>{1, 3, 5});
  EXPECT_THAT(builder.Batch().positions, ElementsAre(4, 3, 5));
}

TEST(BatchBuilderTest, BertCountsPadIdsToo) {
  BatchBuilder builder(PositionRule::kIndex, 0);
  builder.Add(std::vector<int32_t>{101, 0, 102});
  EXPECT_THAT(builder.Batch().positions, ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace embedserve
