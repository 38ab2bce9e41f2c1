#include "model/engine/reference_engine.h"

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/engine/engine_rows.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

// A view of values that live as long as the test.
class Tensors {
 public:
  TensorView operator()(std::vector<int64_t> shape, std::vector<float> values) {
    values_.push_back(std::move(values));
    return {"test", TensorType::kF32, std::move(shape), std::as_bytes(std::span(values_.back()))};
  }

 private:
  std::deque<std::vector<float>> values_;
};

// Hidden size 2, so that every LayerNorm gives (-1, 1) or (1, -1) exactly.
ModelFolder TwoColumns(Tensors& tensor) {
  ModelFolder folder;
  folder.encoder.hidden = 2;
  folder.encoder.heads = 1;
  folder.encoder.head_size = 2;
  folder.encoder.feed_forward = 1;
  folder.encoder.vocabulary = 3;
  folder.encoder.positions = 8;
  folder.dimensions = 2;
  folder.weights.word_embeddings = tensor({3, 2}, {0, 3, 5, 4, 1, 9});
  folder.weights.position_embeddings = tensor({8, 2}, std::vector<float>(16, 0));
  folder.weights.embedding_norm = {tensor({2}, {1, 1}), tensor({2}, {0, 0})};
  return folder;
}

std::vector<double> Rows(const ModelFolder& folder, std::vector<int32_t> ids, int start = 0) {
  BatchBuilder builder(folder.encoder);
  builder.Add(ids, start);
  return ReferenceEngine(folder).Rows(builder.Batch());
}

TEST(ReferenceEngineTest, EmbedsAddsAndNormalises) {
  Tensors tensor;
  ModelFolder folder = TwoColumns(tensor);
  EXPECT_THAT(Rows(folder, {0}), Pointwise(DoubleNear(1e-12), {-1, 1}));
  EXPECT_THAT(Rows(folder, {1}), Pointwise(DoubleNear(1e-12), {1, -1}));
  EXPECT_THAT(Rows(folder, {0, 1}), Pointwise(DoubleNear(1e-12), {0, 0}));
  EXPECT_THAT(Rows(folder, {0, 1}, 1), Pointwise(DoubleNear(1e-12), {1, -1}));
  folder.weights.type_embeddings = tensor({1, 2}, {9, 0});  // turns (0, 3) into (9, 3)
  EXPECT_THAT(Rows(folder, {0}), Pointwise(DoubleNear(1e-12), {1, -1}));
  folder.weights.embedding_norm.bias = tensor({2}, {10, 20});
  EXPECT_THAT(Rows(folder, {0}), Pointwise(DoubleNear(1e-12), {11, 19}));
}

// Queries of zero attend to all keys alike; the value projection makes the mean of the states
// visible in the bias-free output, the feed-forward block is zero.
TEST(ReferenceEngineTest, AttentionWeighsTheValues) {
  Tensors tensor;
  ModelFolder folder = TwoColumns(tensor);
  const LinearWeights zero = {tensor({2, 2}, {0, 0, 0, 0}), tensor({2}, {0, 0})};
  const LinearWeights large = {tensor({2, 2}, {8, 0, 0, 8}), tensor({2}, {0, 0})};
  const LinearWeights identity = {tensor({2, 2}, {1, 0, 0, 1}), tensor({2}, {0, 0})};
  const LayerNormWeights norm = {tensor({2}, {1, 1}), tensor({2}, {0, 0})};
  LayerWeights layer{zero,
                     large,
                     large,
                     identity,
                     norm,
                     {tensor({1, 2}, {0, 0}), tensor({1}, {0})},
                     {tensor({2, 1}, {0, 0}), tensor({2}, {0, 0})},
                     norm};
  folder.weights.layers = {layer};
  folder.encoder.layers = 1;
  folder.pooling.modes = {PoolingMode::kCls};
  // States (-1, 1), (1, -1), (1, -1): the mean value is 8 (1/3, -1/3), larger than the first
  // token's own state and opposite to it.
  EXPECT_THAT(Rows(folder, {0, 1, 1}), Pointwise(DoubleNear(1e-6), {1, -1}));
  // Queries that match their own key: the first token keeps its own value.
  folder.weights.layers[0].query = large;
  EXPECT_THAT(Rows(folder, {0, 1, 1}), Pointwise(DoubleNear(1e-6), {-1, 1}));
}

// GELU's fixture of semantics.md 9, through a Dense module with unit weights.
TEST(ReferenceEngineTest, DenseAppliesTheActivation) {
  Tensors tensor;
  ModelFolder folder = TwoColumns(tensor);
  DenseModule dense;
  dense.in_features = 2;
  dense.out_features = 4;
  dense.weight = tensor({4, 2}, {0, 1, 0, 2, 0, -1, 0, -3});  // of (-1, 1): 1, 2, -1, -3
  dense.activation = Activation::kGeluErf;
  folder.head = {dense};
  folder.dimensions = 4;
  EXPECT_THAT(Rows(folder, {0}),
              Pointwise(DoubleNear(1e-6), {0.8413447, 1.954500, -0.1586553, -0.004049694}));
  dense.use_residual = true;
  dense.residual = tensor({4, 2}, {0, 1, 0, 1, 0, 1, 0, 1});
  folder.head = {dense, NormalizeModule{}};
  const std::vector<double> rows = Rows(folder, {0});
  EXPECT_NEAR(rows[0] / rows[2], 1.8413447 / 0.8413447, 1e-6);
  EXPECT_NEAR(rows[0] * rows[0] + rows[1] * rows[1] + rows[2] * rows[2] + rows[3] * rows[3], 1,
              1e-12);
}

TEST(ReferenceEngineTest, KeepsTheSeamsOrder) {
  RandomFolder model(OddEncoder());
  ReferenceEngine engine(model.folder());
  BatchBuilder first(model.folder().encoder);
  first.Add(model.Ids(3));
  BatchBuilder second(model.folder().encoder);
  second.Add(model.Ids(4));
  EXPECT_EQ(engine.Collect().status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(engine.Submit(first.Batch()).ok());
  ASSERT_TRUE(engine.Submit(second.Batch()).ok());
  EXPECT_EQ(engine.Submit(first.Batch()).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FLOAT_EQ(Collected(engine)[0], static_cast<float>(engine.Rows(first.Batch())[0]));
  EXPECT_FLOAT_EQ(Collected(engine)[0], static_cast<float>(engine.Rows(second.Batch())[0]));
}

}  // namespace
}  // namespace embedserve
