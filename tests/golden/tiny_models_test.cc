// Every tiny folder, loaded as a server loads it, against what the reference gave for it: facts,
// token ids, embeddings under every option, similarity scores.
#include <algorithm>
#include <cmath>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/model.h"
#include "model/output.h"
#include "model/similarity.h"
#include "model/text_encoder.h"
#include "tests/golden/golden_file.h"

namespace embedserve {
namespace {

// semantics.md 10: of a unit vector, and in proportion of a longer one.
constexpr float kTolerance = 1e-5f;

class TinyModelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden_ = ReadGoldenModel(GetParam());
    auto model = Model::Load(TinyModelDirectory(GetParam()));
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }

  const ModelFolder& folder() const { return model_->folder(); }

  std::string Prompt(const GoldenCase& golden) const {
    const PromptChoice choice{.name = golden.prompt_name, .text = golden.prompt};
    const auto prompt = model_->ResolvePrompt(choice);
    EXPECT_TRUE(prompt.ok()) << prompt.status();
    return std::string(prompt.value_or(""));
  }

  // As a request runs: prompt, tokens, engine, output.
  std::vector<float> Rows(TextEncoder& encoder, const GoldenCase& golden) const {
    auto encoded = encoder.Encode(golden.texts, Prompt(golden), golden.truncation_side);
    EXPECT_TRUE(encoded.ok()) << encoded.status();
    const auto dimensions = model_->ResolveDimensions(golden.dimensions);
    EXPECT_TRUE(dimensions.ok()) << dimensions.status();
    const OutputOptions options{.folder_normalizes = folder().normalizes,
                                .normalize = golden.normalize,
                                .dimensions = dimensions.value_or(0)};
    std::vector<float> rows;
    if (!encoded.ok()) return rows;
    const std::size_t width = encoded->rows.size() / golden.texts.size();
    for (std::size_t i = 0; i < golden.texts.size(); ++i) {
      const auto row = FinishRow(std::span(encoded->rows).subspan(i * width, width), options);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  GoldenModel golden_;
  std::unique_ptr<const Model> model_;
};

TEST_P(TinyModelTest, FolderSaysWhatTheReferenceReads) {
  const nlohmann::json& facts = golden_.facts;
  EXPECT_EQ(folder().dimensions, facts.at("dimensions").get<int>());
  EXPECT_EQ(folder().max_sequence_length, facts.at("max_sequence_length").get<int>());
  EXPECT_EQ(Name(folder().similarity_function),
            facts.at("similarity").at("own").get<std::string>());
  EXPECT_EQ(folder().prompts, (facts.at("prompts").get<std::map<std::string, std::string>>()));
  const nlohmann::json& prompt_name = facts.at("default_prompt_name");
  EXPECT_EQ(folder().default_prompt_name.value_or("(none)"),
            prompt_name.is_null() ? "(none)" : prompt_name.get<std::string>());
  const nlohmann::json& truncate_dim = facts.at("truncate_dim");
  EXPECT_EQ(folder().truncate_dim.value_or(0),
            truncate_dim.is_null() ? 0 : truncate_dim.get<int>());
  std::vector<std::string> modes;
  for (const PoolingMode mode : folder().pooling.modes) modes.emplace_back(Name(mode));
  EXPECT_EQ(modes, facts.at("pooling").get<std::vector<std::string>>());
}

TEST_P(TinyModelTest, TokenIds) {
  for (const GoldenCase& golden : golden_.cases) {
    Tokenizer::Scratch scratch;
    TokenBatch batch;
    std::vector<int32_t> pooling_start;
    ASSERT_TRUE(model_
                    ->Tokenize(golden.texts, Prompt(golden), golden.truncation_side, scratch, batch,
                               pooling_start)
                    .ok())
        << golden.name;
    ASSERT_EQ(batch.size(), golden.ids.size());
    for (std::size_t i = 0; i < golden.ids.size(); ++i) {
      EXPECT_THAT(batch[i], testing::ElementsAreArray(golden.ids[i]))
          << golden.name << ", text " << golden.indices[i] << ": " << golden.texts[i];
    }
  }
}

TEST_P(TinyModelTest, Embeddings) {
  const EngineOptions options{.threads = 1};
  auto engine = model_->NewEngine("cpu", options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  TextEncoder encoder(*model_, **engine, options);
  for (const GoldenCase& golden : golden_.cases) {
    const std::vector<float> rows = Rows(encoder, golden);
    ASSERT_EQ(rows.size(), golden.rows.size()) << golden.name;
    for (std::size_t i = 0; i < golden.texts.size(); ++i) {
      float worst = 0, largest = 1;
      for (std::size_t j = i * golden.width; j < (i + 1) * golden.width; ++j) {
        // A NaN must not slip through std::max.
        const float difference = std::abs(rows[j] - golden.rows[j]);
        worst = difference > worst || std::isnan(difference) ? difference : worst;
        largest = std::max(largest, std::abs(golden.rows[j]));
      }
      EXPECT_LE(worst, kTolerance * largest)
          << golden.name << ", text " << golden.indices[i] << ": " << golden.texts[i];
    }
  }
}

// The scores of the reference's own rows, so that only the functions are compared.
TEST_P(TinyModelTest, SimilarityScores) {
  const nlohmann::json& json = golden_.facts.at("similarity");
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
