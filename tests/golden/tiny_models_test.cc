// Every tiny folder, loaded as a server loads it, against what the reference gave for it: facts,
// token ids, embeddings under every option, similarity scores.
#include <algorithm>
#include <cmath>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/similarity.h"
#include "tests/golden/golden_model.h"
#include "tests/kernels/require_device.h"

namespace embedserve {
namespace {

constexpr float kTolerance = 1e-5f;  // of a score, and in proportion of one above 1

class TinyModelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden_ = ReadGoldenModel(GetParam());
    auto model = Model::Load(TinyModelDirectory(GetParam()));
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }

  GoldenModel golden_;
  std::unique_ptr<const Model> model_;
};

TEST_P(TinyModelTest, FolderSaysWhatTheReferenceReads) {
  ExpectFacts(model_->folder(), golden_.json.at("facts"));
}

TEST_P(TinyModelTest, TokenIds) {
  for (const GoldenCase& golden : golden_.cases) ExpectIds(*model_, golden);
}

TEST_P(TinyModelTest, Embeddings) {
  const auto engine = model_->NewEngine("cpu", {.threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  for (const GoldenCase& golden : golden_.cases) ExpectRows(*model_, **engine, golden);
}

TEST_P(TinyModelTest, EmbeddingsOnCuda) {
  EMBEDSERVE_NEED_DEVICE();
  const auto engine = model_->NewEngine("cuda:0", {});
  ASSERT_TRUE(engine.ok()) << engine.status();
  for (const GoldenCase& golden : golden_.cases) ExpectRows(*model_, **engine, golden);
}

// The scores of the reference's own rows, so that only the functions are compared.
TEST_P(TinyModelTest, SimilarityScores) {
  const nlohmann::json& json = golden_.json.at("similarity");
  const GoldenCase& plain = golden_.cases.front();
  const auto pick = [&plain](const nlohmann::json& indices) {
    std::vector<float> rows;
    for (const std::size_t index : indices) {
      const auto row = std::span(plain.rows).subspan(index * plain.width, plain.width);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  };
  const std::vector<float> a = pick(json.at("a")), b = pick(json.at("b"));
  const int width = static_cast<int>(plain.width);
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    const nlohmann::json& expected = json.at(std::string(Name(function)));
    std::vector<float> flat;
    for (const auto& row : expected.at("matrix")) {
      for (const auto& score : row) flat.push_back(score.get<float>());
    }
    const auto near = [](float score) {
      return testing::FloatNear(score, kTolerance * std::max(1.0f, std::abs(score)));
    };
    std::vector<testing::Matcher<float>> matrix, pairwise;
    for (const float score : flat) matrix.push_back(near(score));
    for (const auto& score : expected.at("pairwise")) pairwise.push_back(near(score.get<float>()));
    EXPECT_THAT(SimilarityMatrix(function, a, b, width), testing::ElementsAreArray(matrix))
        << Name(function);
    EXPECT_THAT(PairwiseSimilarity(function, std::span(a).first(b.size()), b, width),
                testing::ElementsAreArray(pairwise))
        << Name(function);
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, TinyModelTest, testing::ValuesIn(TinyModelNames()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace embedserve
