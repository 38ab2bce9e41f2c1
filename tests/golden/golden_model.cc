#include "tests/golden/golden_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/folder/status_macros.h"
#include "model/output.h"
#include "model/text_encoder.h"

namespace embedserve {
namespace {

constexpr float kTolerance = 1e-5f;

std::string Prompt(const Model& model, const GoldenCase& golden) {
  const PromptChoice choice{.name = golden.prompt_name, .text = golden.prompt};
  const auto prompt = model.ResolvePrompt(choice);
  EXPECT_TRUE(prompt.ok()) << prompt.status();
  return std::string(prompt.value_or(""));
}

// Finishes each row of the engine and lays the results end to end.
std::vector<float> Finish(EncodedTexts& encoded, const OutputOptions& output) {
  std::vector<float> rows;
  const std::size_t width = encoded.rows.size() / encoded.tokens.size();
  for (std::size_t i = 0; i < encoded.tokens.size(); ++i) {
    const auto row = FinishRow(std::span(encoded.rows).subspan(i * width, width), output);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

std::vector<float> Rows(const Model& model, Engine& engine, const GoldenCase& golden) {
  TextEncoder encoder(model, engine);
  auto encoded = encoder.Encode(golden.texts, Prompt(model, golden), golden.truncation_side);
  const auto dimensions = model.ResolveDimensions(golden.dimensions);
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  EXPECT_TRUE(dimensions.ok()) << dimensions.status();
  if (!encoded.ok() || !dimensions.ok()) return {};
  return Finish(*encoded, {.folder_normalizes = model.folder().normalizes,
                           .normalize = golden.normalize,
                           .dimensions = *dimensions});
}

template <typename T>
T Or(const nlohmann::json& json, T otherwise) {
  return json.is_null() ? otherwise : json.get<T>();
}

}  // namespace

void ExpectFacts(const ModelFolder& folder, const nlohmann::json& facts) {
  EXPECT_EQ(folder.dimensions, facts.at("dimensions").get<int>());
  EXPECT_EQ(folder.truncate_dim.value_or(0), Or(facts.at("truncate_dim"), 0));
  EXPECT_EQ(folder.max_sequence_length, facts.at("max_sequence_length").get<int>());
  EXPECT_EQ(folder.normalizes, facts.at("normalizes").get<bool>());
  EXPECT_EQ(folder.pooling.include_prompt, facts.at("include_prompt").get<bool>());
  EXPECT_EQ(Name(folder.similarity_function), facts.at("similarity_function").get<std::string>());
  EXPECT_EQ(folder.prompts, (facts.at("prompts").get<std::map<std::string, std::string>>()));
  EXPECT_EQ(folder.default_prompt_name.value_or("(none)"),
            Or(facts.at("default_prompt_name"), std::string("(none)")));
  std::vector<std::string> modes;
  for (const PoolingMode mode : folder.pooling.modes) modes.emplace_back(Name(mode));
  EXPECT_EQ(modes, facts.at("pooling").get<std::vector<std::string>>());
}

void ExpectIds(const Model& model, const GoldenCase& golden) {
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  std::vector<int32_t> pooling_start;
  const auto status = model.Tokenize(golden.texts, Prompt(model, golden), golden.truncation_side,
                                     scratch, batch, pooling_start);
  ASSERT_TRUE(status.ok()) << golden.name << ": " << status;
  ASSERT_EQ(batch.size(), golden.ids.size());
  for (std::size_t i = 0; i < golden.ids.size(); ++i) {
    EXPECT_THAT(batch[i], testing::ElementsAreArray(golden.ids[i]))
        << golden.name << ", text " << golden.indices[i] << ": " << golden.texts[i];
  }
}

void ExpectRows(const Model& model, Engine& engine, const GoldenCase& golden) {
  const std::vector<float> rows = Rows(model, engine, golden);
  ASSERT_EQ(rows.size(), golden.rows.size()) << golden.name;
  for (std::size_t i = 0; i < golden.texts.size(); ++i) {
    float worst = 0;
    float largest = 1;
    for (std::size_t j = i * golden.width; j < (i + 1) * golden.width; ++j) {
      const float difference = std::abs(rows[j] - golden.rows[j]);
      if (!(difference <= worst)) worst = difference;  // a NaN stays
      largest = std::max(largest, std::abs(golden.rows[j]));
    }
    EXPECT_LE(worst, kTolerance * largest)
        << golden.name << ", text " << golden.indices[i] << ": " << golden.texts[i];
  }
}

absl::StatusOr<std::vector<float>> Encode(const Model& model, const std::vector<std::string>& texts,
                                          ComputeType type, int dimensions,
                                          std::string_view device) {
  const EngineOptions options{.compute_type = type};
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, model.NewEngine(device, options));
  ASSIGN_OR_RETURN(const std::string_view prompt, model.ResolvePrompt({}));
  ASSIGN_OR_RETURN(const int resolved, model.ResolveDimensions(dimensions));
  TextEncoder encoder(model, *engine);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  ASSIGN_OR_RETURN(EncodedTexts encoded, encoder.Encode(views, prompt));
  return Finish(encoded, {.folder_normalizes = model.folder().normalizes, .dimensions = resolved});
}

}  // namespace embedserve
