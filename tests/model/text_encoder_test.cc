#include "model/text_encoder.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bert.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

// Gives each sequence the sum of its ids and records the batches' sizes.
class SumEngine : public Engine {
 public:
  absl::Status Submit(const PackedBatch& batch) override {
    rows_.clear();
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const auto begin = static_cast<std::size_t>(batch.offsets[b]);
      const auto end = static_cast<std::size_t>(batch.offsets[b + 1]);
      const auto ids = batch.ids.subspan(begin, end - begin);
      rows_.push_back(static_cast<float>(std::accumulate(ids.begin(), ids.end(), 0)));
    }
    batch_tokens.push_back(batch.tokens());
    batch_sequences.push_back(batch.sequences());
    return absl::OkStatus();
  }
  absl::StatusOr<std::span<const float>> Collect() override { return rows_; }
  int width() const override { return 1; }
  BatchLimits limits() const override { return most; }
  std::string device() const override { return "test"; }
  ComputeType compute_type() const override { return ComputeType::kFp32; }

  BatchLimits most{.tokens = 100000, .sequences = 4096};
  std::vector<int> batch_tokens, batch_sequences;

 private:
  std::vector<float> rows_;
};

class TextEncoderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto model = LoadTinyBert();
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    for (int i = 0; i < 37; ++i) texts_.push_back(std::string(static_cast<std::size_t>(i), 'e'));
    views_.assign(texts_.begin(), texts_.end());
  }
  std::unique_ptr<const Model> model_;
  std::vector<std::string> texts_;
  std::vector<std::string_view> views_;
  SumEngine engine_;
};

TEST_F(TextEncoderTest, AnySplitIntoBatchesGivesTheSameRows) {
  TextEncoder whole(*model_, engine_);
  const auto expected = whole.Encode(views_, "");
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_EQ(engine_.batch_tokens.size(), 1U);
  ASSERT_EQ(expected->rows.size(), texts_.size());
  for (const BatchLimits limits : {BatchLimits{40, 4096}, BatchLimits{64, 4096},
                                   BatchLimits{16384, 1}, BatchLimits{16384, 5}}) {
    engine_.most = limits;
    engine_.batch_tokens.clear();
    engine_.batch_sequences.clear();
    TextEncoder split(*model_, engine_);
    const auto got = split.Encode(views_, "");
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->rows, expected->rows);
    EXPECT_EQ(got->tokens, expected->tokens);
    EXPECT_GT(engine_.batch_tokens.size(), 1U);
    for (const int tokens : engine_.batch_tokens) EXPECT_LE(tokens, limits.tokens);
    for (const int n : engine_.batch_sequences) EXPECT_LE(n, limits.sequences);
  }
}

TEST_F(TextEncoderTest, TellsProgressUpToTheEnd) {
  engine_.most.sequences = 10;
  TextEncoder encoder(*model_, engine_);
  std::vector<std::size_t> seen;
  ASSERT_TRUE(encoder.Encode(views_, "", {}, [&](std::size_t done) { seen.push_back(done); }).ok());
  EXPECT_EQ(seen, (std::vector<std::size_t>{10, 20, 30, 37}));
}

TEST_F(TextEncoderTest, NoTextsGiveNoRows) {
  TextEncoder encoder(*model_, engine_);
  const auto got = encoder.Encode({}, "");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->rows.empty());
  EXPECT_TRUE(engine_.batch_tokens.empty());
}

TEST_F(TextEncoderTest, ErrorsNameTheText) {
  TextEncoder encoder(*model_, engine_);
  const std::string_view texts[] = {"a", "\xc3"};
  const auto got = encoder.Encode(texts, "");
  EXPECT_EQ(got.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(got.status().message(), HasSubstr("texts[1]"));
}

}  // namespace
}  // namespace embedserve
