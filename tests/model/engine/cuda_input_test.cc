#include "model/engine/cuda_input.h"

#include <cstdint>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

class CudaInputTest : public testing::Test {
 protected:
  CudaInputTest() {
    builder_.Add(std::vector<int32_t>{5, 6, 7}, 1);
    std::vector<int32_t> ids;
    for (int32_t id = 100; id < 170; ++id) ids.push_back(id);
    builder_.Add(ids, 4);
    builder_.Add(std::vector<int32_t>(40, 9), 0);
    plan_.Build(builder_.Batch().offsets);
  }
  void Write(const CudaInputSize& size) {
    block_.assign(size.bytes(), std::byte{0xff});
    WriteInput(builder_.Batch(), plan_, size, block_.data());
    input_ = InputAt(block_.data(), size);
  }

  BatchBuilder builder_{PositionRule::kAfterPadding, 1};
  kernels::AttentionPlan plan_;
  std::vector<std::byte> block_;
  CudaInput input_;
};

TEST_F(CudaInputTest, HoldsTheBatchAsItIs) {
  Write(CudaInputSize::Of(builder_.Batch(), plan_));
  const PackedBatch batch = builder_.Batch();
  ASSERT_EQ(input_.tokens, 113);
  ASSERT_EQ(input_.sequences.count, 3);
  EXPECT_THAT(std::span(input_.ids, 113), ElementsAreArray(batch.ids));
  EXPECT_THAT(std::span(input_.positions, 113), ElementsAreArray(batch.positions));
  EXPECT_THAT(std::span(input_.sequences.offsets, 4), ElementsAre(0, 3, 73, 113));
  EXPECT_THAT(std::span(input_.sequences.starts, 3), ElementsAre(1, 4, 0));
  ASSERT_EQ(input_.work.short_count, 1);
  EXPECT_EQ(input_.work.short_items[0].length, 3);
  ASSERT_EQ(input_.work.medium_count, 1);
  EXPECT_EQ(input_.work.medium_items[0].row, 73);
  ASSERT_EQ(input_.work.long_count, 2);
  EXPECT_EQ(input_.work.long_items[1].first_query, 64);
}

TEST_F(CudaInputTest, FillsALargerBlockWithWhatDoesNothing) {
  Write(CudaInputSize::Most(128, 5));
  ASSERT_EQ(input_.tokens, 128);
  EXPECT_THAT(std::span(input_.ids + 113, 128 - 113), Each(0));
  EXPECT_THAT(std::span(input_.positions + 113, 128 - 113), Each(0));
  EXPECT_THAT(std::span(input_.sequences.offsets, 6), ElementsAre(0, 3, 73, 113, 113, 113));
  EXPECT_THAT(std::span(input_.sequences.starts, 5), ElementsAre(1, 4, 0, 0, 0));
  ASSERT_EQ(input_.work.short_count, 5);
  ASSERT_GE(input_.work.medium_count, 1);
  ASSERT_GE(input_.work.long_count, 2);
  for (int i = 1; i < 5; ++i) EXPECT_EQ(input_.work.short_items[i].length, 0);
  for (int i = 1; i < input_.work.medium_count; ++i) {
    EXPECT_EQ(input_.work.medium_items[i].length, 0);
  }
  for (int i = 2; i < input_.work.long_count; ++i) {
    EXPECT_EQ(input_.work.long_items[i].length, 0);
  }
}

}  // namespace
}  // namespace embedserve
