#include "model/engine/half_range.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

class HalfRangeTest : public ::testing::Test {
 protected:
  // Puts `value` into the last element of a tensor, zeros elsewhere.
  void Set(TensorView& view, float value) {
    std::vector<float> values(view.size());
    values.back() = value;
    view.type = TensorType::kF32;
    kept_.push_back(std::move(values));
    view.bytes = std::as_bytes(std::span(kept_.back()));
    view.name = "changed";
  }
  absl::Status Check() { return CheckHalfRange(model_.folder()); }

  RandomFolder model_{EvenEncoder()};
  EncoderWeights& weights_ = model_.folder().weights;

 private:
  std::vector<std::vector<float>> kept_;
};

TEST_F(HalfRangeTest, LargestHalfFitsAndTheNextFloatDoesNot) {
  EXPECT_TRUE(Check().ok()) << Check();
  Set(weights_.layers.back().output.weight, -65504);
  EXPECT_TRUE(Check().ok()) << Check();
  Set(weights_.layers.back().output.weight, -65504.004F);
  EXPECT_EQ(Check().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(Check().message()),
              HasSubstr("tensor changed has a value of magnitude 65504.004; fp16 holds at most"));
}

TEST_F(HalfRangeTest, LooksAtAllThatIsStoredInTheComputeType) {
  LayerWeights& layer = weights_.layers[1];
  for (TensorView* view :
       {&weights_.word_embeddings, &weights_.position_embeddings, &layer.query.weight,
        &layer.key.bias, &layer.value.weight, &layer.attention_output.weight,
        &layer.intermediate.weight, &layer.intermediate.bias, &layer.output.weight}) {
    const TensorView before = *view;
    Set(*view, 1e6F);
    EXPECT_EQ(Check().code(), absl::StatusCode::kOutOfRange) << before.name;
    *view = before;
  }
}

TEST_F(HalfRangeTest, LeavesAloneWhatIsStoredInFp32) {
  LayerWeights& layer = weights_.layers[0];
  for (TensorView* view : {&weights_.embedding_norm.weight, &layer.attention_output.bias,
                           &layer.attention_norm.bias, &layer.output.bias}) {
    Set(*view, 1e6F);
  }
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(HalfRangeTest, PositionsAreStoredWithTheTypeRowAdded) {
  ASSERT_TRUE(weights_.type_embeddings.has_value());
  std::vector<float> types(weights_.type_embeddings->size());
  types.front() = 40000;
  weights_.type_embeddings->bytes = std::as_bytes(std::span(types));
  EXPECT_TRUE(Check().ok()) << Check();
  Set(weights_.position_embeddings, 40000);
  EXPECT_EQ(Check().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace embedserve
