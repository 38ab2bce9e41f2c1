#include "server/failed_batch.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Status kLost = absl::DataLossError("card 3: launch failure");
const absl::Status kFailed = absl::InternalError("no room");

// Two jobs of three and two sequences, of which one batch holds two and one.
class FailedBatchTest : public testing::Test {
 protected:
  Batch NewBatch() {
    return {.parts = {{.job = NewJob({4, 5, 6}), .first = 1, .count = 2},
                      {.job = NewJob({7, 8}), .first = 0, .count = 1}},
            .tokens = 5 + 6 + 7,
            .sequences = 3,
            .begun = true};
  }

  static Batch Begun(Batch batch) {
    batch.begun = true;
    return batch;
  }

  std::shared_ptr<EmbeddingJob> NewJob(const std::vector<int>& lengths) {
    TokenBatch tokens;
    for (const int length : lengths) {
      tokens.ids.resize(tokens.ids.size() + static_cast<std::size_t>(length));
      tokens.ends.push_back(static_cast<int32_t>(tokens.ids.size()));
      tokens.truncated.push_back(0);
    }
    return std::make_shared<EmbeddingJob>(
        tokens, std::vector<int32_t>(lengths.size(), 0), 1, TimePoint::max(),
        std::make_shared<std::atomic<bool>>(false),
        [this](absl::Status status) { ended_.push_back(std::move(status)); });
  }

  std::vector<absl::Status> ended_;
};

TEST_F(FailedBatchTest, ALostDeviceIsForgivenOnceWithTheBatchWhole) {
  const std::vector<Batch> again = AfterFailure(NewBatch(), kLost);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].parts.size(), 2u);
  EXPECT_EQ(again[0].tokens, 18);
  EXPECT_EQ(again[0].sequences, 3);
  EXPECT_TRUE(again[0].again());
  EXPECT_THAT(ended_, IsEmpty());

  EXPECT_THAT(AfterFailure(Begun(again[0]), kLost), IsEmpty());
  ASSERT_EQ(ended_.size(), 2u);
  for (const absl::Status& status : ended_) {
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("card 3: launch failure"));
  }
}

TEST_F(FailedBatchTest, ADeviceThatWasLostBeforeIsNoFaultOfTheBatch) {
  Batch batch = NewBatch();
  for (int i = 0; i < 3; ++i) {
    batch.begun = false;
    const std::vector<Batch> again = AfterFailure(batch, kLost);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].sequences, 3);
    EXPECT_FALSE(again[0].again());
    batch = again[0];
  }
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(FailedBatchTest, AnotherFailureIsForgivenOnceRequestByRequest) {
  const std::vector<Batch> again = AfterFailure(NewBatch(), kFailed);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].tokens, 11);
  EXPECT_EQ(again[0].sequences, 2);
  EXPECT_EQ(again[0].parts.at(0).first, 1);
  EXPECT_EQ(again[1].tokens, 7);
  EXPECT_EQ(again[1].sequences, 1);
  for (const Batch& batch : again) {
    EXPECT_EQ(batch.parts.size(), 1u);
    EXPECT_TRUE(batch.again());
  }
  EXPECT_THAT(ended_, IsEmpty());

  EXPECT_THAT(AfterFailure(again[1], kFailed), IsEmpty());
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0], kFailed);
}

// Of each kind one, in either order; then it is over.
TEST_F(FailedBatchTest, TheTwoKindsAreForgivenApart) {
  for (const auto& [first, second] : {std::pair(kLost, kFailed), std::pair(kFailed, kLost)}) {
    ended_.clear();
    const Batch once = AfterFailure(NewBatch(), first).at(0);
    const Batch twice = AfterFailure(Begun(once), second).at(0);
    EXPECT_THAT(ended_, IsEmpty());
    EXPECT_EQ(twice.parts.size(), 1u);
    EXPECT_THAT(AfterFailure(Begun(twice), kLost), IsEmpty());
    EXPECT_THAT(AfterFailure(twice, kFailed), IsEmpty());
    EXPECT_EQ(ended_.size(), 1u);  // a job ends once
  }
}

}  // namespace
}  // namespace embedserve
