#include "model/folder/sentence_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::unique_ptr<const JsonFile> File(const json& value) {
  return *JsonFile::Parse(value.dump(), "c.json");
}

class SentenceTransformersConfigTest : public testing::Test {
 protected:
  absl::StatusOr<SentenceTransformersConfig> Read(const json& config) {
    warnings.clear();
    return ReadSentenceTransformersConfig(File(config)->root(), warnings);
  }
  std::vector<std::string> warnings;
};

TEST_F(SentenceTransformersConfigTest, DefaultsAreThoseOfAFolderWithoutIt) {
  for (const json& empty : {json::object(), json{{"prompts", nullptr},
                                                 {"default_prompt_name", nullptr},
                                                 {"similarity_fn_name", nullptr},
                                                 {"truncate_dim", nullptr},
                                                 {"model_type", "SentenceTransformer"}}}) {
    const auto config = Read(empty);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_THAT(config->prompts, ElementsAre(Pair("document", ""), Pair("query", "")));
    EXPECT_EQ(config->default_prompt_name, std::nullopt);
    EXPECT_EQ(config->similarity_function, SimilarityFunction::kCosine);
    EXPECT_EQ(config->truncate_dim, std::nullopt);
    EXPECT_THAT(warnings, IsEmpty());
  }
}

TEST_F(SentenceTransformersConfigTest, ReadsPromptsAndTheDefault) {
  const auto config =
      Read({{"prompts", {{"query", "Q: "}, {"code", "C\u00e9: "}, {"none", nullptr}}},
            {"default_prompt_name", "code"},
            {"similarity_fn_name", "dot"},
            {"truncate_dim", 5}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->prompts, ElementsAre(Pair("code", "C\u00e9: "), Pair("document", ""),
                                           Pair("none", ""), Pair("query", "Q: ")));
  EXPECT_EQ(config->default_prompt_name, "code");
  EXPECT_EQ(config->similarity_function, SimilarityFunction::kDot);
  EXPECT_EQ(config->truncate_dim, 5);
}

TEST_F(SentenceTransformersConfigTest, TheDefaultPromptMayBeOneThatAlwaysExists) {
  EXPECT_TRUE(Read({{"default_prompt_name", "query"}}).ok());
  EXPECT_THAT(Read({{"default_prompt_name", "passage"}}),
              IsRefused("c.json: default_prompt_name is \"passage\"; not one of the prompts: "
                        "document, query"));
}

TEST_F(SentenceTransformersConfigTest, DocumentsNeverGetThePassagePrompt) {
  EXPECT_TRUE(Read({{"prompts", {{"passage", "p: "}}}}).ok());
  EXPECT_THAT(warnings,
              ElementsAre(AllOf(HasSubstr("no prompt \"document\""), HasSubstr("passage"))));
  EXPECT_TRUE(Read({{"prompts", {{"passage", "p: "}, {"document", "d: "}}}}).ok());
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(SentenceTransformersConfigTest, WarnsOfNewerVersionsAndRequirements) {
  for (const char* version : {"2.0.0", "6.2.0", "6.2.9", "6.1.0.dev0", "weird"}) {
    EXPECT_TRUE(Read({{"__version__", {{"sentence_transformers", version}}}}).ok());
    EXPECT_THAT(warnings, IsEmpty()) << version;
  }
  for (const char* version : {"6.3.0", "7.0", "10.0.0"}) {
    EXPECT_TRUE(Read({{"__version__", {{"sentence_transformers", version}}}}).ok());
    EXPECT_THAT(warnings, ElementsAre(HasSubstr("newer than 6.2"))) << version;
  }
  EXPECT_TRUE(Read({{"requirements", {{"torch", ">=2"}}}}).ok());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("requirements names Python packages")));
}

TEST_F(SentenceTransformersConfigTest, RefusesWhatItDoesNotKnow) {
  const std::pair<json, const char*> cases[] = {
      {{{"similarity_fn_name", "jaccard"}}, "similarity_fn_name is \"jaccard\"; supported: cosine"},
      {{{"model_type", "SparseEncoder"}}, "model_type is \"SparseEncoder\""},
      {{{"truncate_dim", 0}}, "truncate_dim is 0"},
      {{{"truncate_dim", -3}}, "truncate_dim is -3"},
      {{{"prompts", {{"query", 3}}}}, "prompts.query is 3; expected a string"},
      {{{"prompts", json::array()}}, "prompts is []; expected an object"},
      {{{"temperature", 1}}, "temperature is 1; unknown key"},
      {json::array(), "expected an object"}};
  for (const auto& [config, message] : cases) {
    EXPECT_THAT(Read(config), IsRefused(HasSubstr(message)));
  }
}

TEST(TransformerModuleConfigTest, ReadsLimitAndLowerCase) {
  const auto old =
      ReadTransformerModuleConfig(File({{"max_seq_length", 256}, {"do_lower_case", true}})->root());
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->max_seq_length, 256);
  EXPECT_TRUE(old->do_lower_case);

  const auto current = ReadTransformerModuleConfig(
      File({{"transformer_task", "feature-extraction"},
            {"modality_config",
             {{"text", {{"method", "forward"}, {"method_output_name", "last_hidden_state"}}}}},
            {"module_output_name", "token_embeddings"},
            {"unpad_inputs", true},
            {"query_length", nullptr},
            {"model_kwargs", json::object()},
            {"processing_kwargs", json::object()}})
          ->root());
  ASSERT_TRUE(current.ok()) << current.status();
  EXPECT_EQ(current->max_seq_length, std::nullopt);
  EXPECT_FALSE(current->do_lower_case);
}

TEST(TransformerModuleConfigTest, RefusesWhatItDoesNotKnow) {
  const std::pair<json, const char*> cases[] = {
      {{{"max_seq_length", 0}}, "max_seq_length is 0"},
      {{{"max_seq_length", "512"}}, "max_seq_length is \"512\"; expected an integer"},
      {{{"do_lower_case", 1}}, "do_lower_case is 1; expected true or false"},
      {{{"transformer_task", "fill-mask"}}, "transformer_task is \"fill-mask\""},
      {{{"module_output_name", "x"}}, "module_output_name is \"x\""},
      {{{"modality_config", {{"image", json::object()}}}}, "modality_config.image"},
      {{{"modality_config", {{"text", {{"method", "get_text_features"}}}}}}, "get_text_features"},
      {{{"modality_config", {{"text", {{"method_output_name", "pooler_output"}}}}}},
       "pooler_output"},
      {{{"query_length", 32}}, "query_length is 32; this setting is not supported"},
      {{{"document_length", 0}}, "document_length is 0"},
      {{{"model_args", {{"attn_implementation", "eager"}}}},
       "model_args is an object of 1 members"},
      {{{"tokenizer_args", {{"use_fast", false}}}}, "tokenizer_args"},
      {{{"pooling", "mean"}}, "pooling is \"mean\"; unknown key"}};
  for (const auto& [config, message] : cases) {
    EXPECT_THAT(ReadTransformerModuleConfig(File(config)->root()), IsRefused(HasSubstr(message)));
  }
}

class LimitTest : public testing::Test {
 protected:
  LimitTest() {
    bert.positions = 512;
    roberta.positions = 514;
    roberta.position_rule = PositionRule::kAfterPadding;
    roberta.pad_id = 1;
  }
  absl::StatusOr<std::optional<int>> ModelMaxLength(const json& config) {
    return ReadModelMaxLength(File(config)->root(), bert, warnings);
  }
  EncoderConfig bert;
  EncoderConfig roberta;
  std::vector<std::string> warnings;
};

TEST_F(LimitTest, HugeModelMaxLengthsAreNone) {
  EXPECT_EQ(*ModelMaxLength({{"model_max_length", 512}}), 512);
  EXPECT_EQ(*ModelMaxLength(json::object()), std::nullopt);
  EXPECT_EQ(*ModelMaxLength({{"model_max_length", 1e30}}), std::nullopt);
  const auto file = JsonFile::Parse(R"({"model_max_length": 1000000000000000019884624838656})",
                                    "tokenizer_config.json");
  EXPECT_EQ(*ReadModelMaxLength((*file)->root(), bert, warnings), std::nullopt);
  EXPECT_THAT(ModelMaxLength({{"model_max_length", 0}}), IsRefused(HasSubstr("at least 1")));
  EXPECT_THAT(ModelMaxLength({{"model_max_length", "512"}}), IsRefused(HasSubstr("a number")));
}

TEST_F(LimitTest, LeftPaddingIsWarnedOfWhereItShiftsPositions) {
  const auto file = File({{"padding_side", "left"}});
  EXPECT_TRUE(ReadModelMaxLength(file->root(), roberta, warnings).ok());
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_TRUE(ReadModelMaxLength(file->root(), bert, warnings).ok());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("padding_side is \"left\"")));
}

TEST_F(LimitTest, TheFoldersLimitComesFirst) {
  EXPECT_EQ(SequenceLimit(128, 64, bert, warnings), 128);
  EXPECT_EQ(SequenceLimit(std::nullopt, 64, bert, warnings), 64);
  EXPECT_EQ(SequenceLimit(std::nullopt, 1024, bert, warnings), 512);
  EXPECT_EQ(SequenceLimit(std::nullopt, std::nullopt, bert, warnings), 512);
  EXPECT_EQ(SequenceLimit(512, std::nullopt, roberta, warnings), 512);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(LimitTest, IsCappedToThePositionsThatExist) {
  EXPECT_EQ(SequenceLimit(std::nullopt, std::nullopt, roberta, warnings), 512);
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("514"), HasSubstr("512"))));
  EXPECT_EQ(SequenceLimit(1000, 64, bert, warnings), 512);
  EXPECT_EQ(warnings.size(), 2u);
}

}  // namespace
}  // namespace embedserve
