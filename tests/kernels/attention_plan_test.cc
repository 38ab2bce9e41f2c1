#include "kernels/attention_plan.h"

#include <gtest/gtest.h>

namespace embedserve::kernels {
namespace {

std::vector<std::vector<int>> Rows(const std::vector<AttentionItem>& items) {
  std::vector<std::vector<int>> rows;
  for (const AttentionItem& item : items) {
    rows.push_back({item.row, item.length, item.sequence, item.first_query});
  }
  return rows;
}

TEST(AttentionPlanTest, SortsSequencesByTheirOwnLengthAlone) {
  AttentionPlan plan;
  // Lengths 1, 32, 33, 0, 129, 64, 65.
  const std::vector<int32_t> offsets = {0, 1, 33, 66, 66, 195, 259, 324};
  plan.Build(offsets);
  EXPECT_EQ(Rows(plan.short_items), (std::vector<std::vector<int>>{{0, 1, 0, 0}, {1, 32, 1, 0}}));
  EXPECT_EQ(Rows(plan.medium_items),
            (std::vector<std::vector<int>>{{33, 33, 2, 0}, {195, 64, 5, 0}}));
  EXPECT_EQ(Rows(plan.long_items), (std::vector<std::vector<int>>{{66, 129, 4, 0},
                                                                  {66, 129, 4, 64},
                                                                  {66, 129, 4, 128},
                                                                  {259, 65, 6, 0},
                                                                  {259, 65, 6, 64}}));
}

TEST(AttentionPlanTest, AnEmptyBatchHasNoWork) {
  AttentionPlan plan;
  plan.Build(std::vector<int32_t>{0, 5, 40, 140});
  plan.Build(std::vector<int32_t>{0});
  EXPECT_TRUE(plan.short_items.empty());
  EXPECT_TRUE(plan.medium_items.empty());
  EXPECT_TRUE(plan.long_items.empty());
}

TEST(AttentionPlanTest, NoBatchHasMoreItemsThanTheBounds) {
  for (const int length : {33, 34, 64, 65, 97, 128, 129, 512, 8192}) {
    std::vector<int32_t> offsets = {0};
    while (offsets.back() + length <= 16384) offsets.push_back(offsets.back() + length);
    AttentionPlan plan;
    plan.Build(offsets);
    EXPECT_LE(static_cast<int>(plan.medium_items.size()),
              AttentionPlan::MostMediumItems(offsets.back()))
        << length;
    EXPECT_LE(static_cast<int>(plan.long_items.size()),
              AttentionPlan::MostLongItems(offsets.back()))
        << length;
  }
}

}  // namespace
}  // namespace embedserve::kernels
