#include "model/model.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

fs::path GoldenModel(const std::string& name) {
  return fs::path(std::getenv("EMBEDSERVE_SOURCE_DIR")) / "tests/golden/models" / name;
}

std::unique_ptr<const Model> Load(const fs::path& directory) {
  auto model = Model::Load(directory);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// A copy of a golden folder that a test may damage.
class CopiedFolder {
 public:
  explicit CopiedFolder(const std::string& name)
      : path_(fs::path(::testing::TempDir()) /
              ("model_test_" + name + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::copy(GoldenModel(name), path_, fs::copy_options::recursive);
  }
  ~CopiedFolder() { fs::remove_all(path_); }

  const fs::path& path() const { return path_; }
  template <typename Change>
  void EditJson(const std::string& file, Change change) {
    std::ifstream in(path_ / file);
    nlohmann::json json = nlohmann::json::parse(in);
    change(json);
    std::ofstream(path_ / file) << json;
  }

 private:
  fs::path path_;
};

struct Tokenized {
  absl::Status status;
  TokenBatch tokens;
  std::vector<int32_t> pooling_start;
};
Tokenized Tokenize(const Model& model, std::vector<std::string_view> texts, std::string_view prompt,
                   std::optional<TruncationSide> side = std::nullopt) {
  Tokenized out;
  Tokenizer::Scratch scratch;
  out.status = model.Tokenize(texts, prompt, side, scratch, out.tokens, out.pooling_start);
  return out;
}

TEST(ModelTest, NameIsTheLastComponent) {
  EXPECT_EQ(Load(GoldenModel("tiny-bert"))->name(), "tiny-bert");
  EXPECT_EQ(Load(GoldenModel("tiny-bert/"))->name(), "tiny-bert");
  EXPECT_EQ(Load(GoldenModel("tiny-bert/1_Pooling/.."))->name(), "tiny-bert");
}

TEST(ModelTest, FingerprintNamesContentAndComputeType) {
  const auto bert = Load(GoldenModel("tiny-bert"));
  EXPECT_EQ(bert->Fingerprint(ComputeType::kFp32),
            bert->folder().content_hash.substr(0, 16) + "-fp32");
  EXPECT_THAT(bert->Fingerprint(ComputeType::kBf16), EndsWith("-bf16"));
  const CopiedFolder copy("tiny-bert");
  EXPECT_EQ(Load(copy.path())->Fingerprint(ComputeType::kFp32),
            bert->Fingerprint(ComputeType::kFp32));
  EXPECT_NE(Load(GoldenModel("tiny-roberta"))->Fingerprint(ComputeType::kFp32),
            bert->Fingerprint(ComputeType::kFp32));
}

TEST(ModelTest, FingerprintFollowsAModuleConfig) {
  CopiedFolder folder("tiny-bert");
  const std::string before = Load(folder.path())->Fingerprint(ComputeType::kFp32);
  folder.EditJson("sentence_bert_config.json", [](auto& json) { json["max_seq_length"] = 32; });
  EXPECT_NE(Load(folder.path())->Fingerprint(ComputeType::kFp32), before);
}

TEST(ModelTest, ResolvesPrompts) {
  const auto model = Load(GoldenModel("roberta-exclude-prompt"));
  EXPECT_EQ(*model->ResolvePrompt({}), "query: ");  // the folder's default
  EXPECT_EQ(*model->ResolvePrompt({.name = "document"}), "passage:");
  EXPECT_EQ(*model->ResolvePrompt({.text = "Classify: "}), "Classify: ");
  EXPECT_EQ(*model->ResolvePrompt({.text = ""}), "");  // switches the default off
  const auto unknown = model->ResolvePrompt({.name = "qery"});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(unknown.status().message(),
            "the model has no prompt \"qery\"; it has: document, long, query");
}

TEST(ModelTest, WithoutDefaultPromptThereIsNone) {
  const auto model = Load(GoldenModel("tiny-bert"));
  EXPECT_EQ(*model->ResolvePrompt({}), "");
  EXPECT_EQ(*model->ResolvePrompt({.name = "query"}), "");  // always exists
}

TEST(ModelTest, ResolvesDimensions) {
  CopiedFolder folder("tiny-bert");
  const auto whole = Load(folder.path());
  const int width = whole->folder().dimensions;
  EXPECT_EQ(*whole->ResolveDimensions(0), width);
  EXPECT_EQ(*whole->ResolveDimensions(width), width);
  EXPECT_EQ(*whole->ResolveDimensions(1), 1);
  for (const int64_t bad : {int64_t{-1}, int64_t{width} + 1, int64_t{1} << 40}) {
    const auto refused = whole->ResolveDimensions(bad);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(refused.status().message(),
              fmt::format("the model's embeddings have {0} dimensions, not {1}: ask for 1 to {0}, "
                          "or 0 for the default",
                          width, bad));
  }
  folder.EditJson("config_sentence_transformers.json",
                  [](auto& json) { json["truncate_dim"] = 8; });
  EXPECT_EQ(*Load(folder.path())->ResolveDimensions(0), 8);
}

TEST(ModelTest, PromptIsPrependedAndPooledByDefault) {
  const auto model = Load(GoldenModel("tiny-bert"));
  const Tokenized prompted = Tokenize(*model, {"the library"}, "is it: ");
  const Tokenized whole = Tokenize(*model, {"is it: the library"}, "");
  ASSERT_TRUE(prompted.status.ok()) << prompted.status;
  EXPECT_EQ(prompted.tokens.ids, whole.tokens.ids);
  EXPECT_THAT(prompted.pooling_start, ElementsAre(0));
}

// semantics.md 2.2: the prompt alone, with specials, without the last one; a trailing space counts
// although it merges with the next word.
TEST(ModelTest, ExcludedPromptCountsAsTheReferenceCounts) {
  const auto model = Load(GoldenModel("roberta-exclude-prompt"));
  const Tokenized colon = Tokenize(*model, {"one two"}, "query:");
  const Tokenized space = Tokenize(*model, {"one two"}, "query: ");
  ASSERT_TRUE(colon.status.ok()) << colon.status;
  ASSERT_TRUE(space.status.ok()) << space.status;
  EXPECT_EQ(space.pooling_start[0], colon.pooling_start[0] + 1);
  const Tokenized none = Tokenize(*model, {"one two"}, "");
  EXPECT_THAT(none.pooling_start, ElementsAre(0));
}

TEST(ModelTest, NothingLeftToPoolNamesTheText) {
  const auto model = Load(GoldenModel("roberta-exclude-prompt"));
  // "da" alone is two tokens, "day" one: with <s> the prompt takes 3 of <s> day </s>.
  const Tokenized refused = Tokenize(*model, {"y"}, "da");
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status.message(), HasSubstr("texts[0]: nothing is left to pool"));
}

TEST(ModelTest, CutAtTheStartWithExcludedPromptIsRefused) {
  const auto model = Load(GoldenModel("roberta-exclude-prompt"));
  const std::string text(4000, 'q');
  const Tokenized refused = Tokenize(*model, {"short", text}, "query: ", TruncationSide::kStart);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status.message(), HasSubstr("texts[1]"));
  EXPECT_THAT(refused.status.message(), HasSubstr("TRUNCATION_END"));
}

TEST(ModelTest, CutsToTheModelsLimit) {
  const auto model = Load(GoldenModel("tiny-bert"));
  std::string text;
  for (int i = 0; i < 500; ++i) text += "snow ";
  const Tokenized cut = Tokenize(*model, {"snow", text}, "");
  ASSERT_TRUE(cut.status.ok()) << cut.status;
  EXPECT_EQ(static_cast<int>(cut.tokens[1].size()), model->folder().max_sequence_length);
  EXPECT_THAT(cut.tokens.truncated, ElementsAre(0, 1));
}

TEST(ModelTest, InvalidUtf8NamesTheText) {
  const auto model = Load(GoldenModel("tiny-bert"));
  const Tokenized refused = Tokenize(*model, {"fine", "bro\xffken"}, "");
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status.message(), HasSubstr("texts[1]"));
}

TEST(ModelTest, TokenizerWithMoreIdsThanRowsIsRefused) {
  CopiedFolder folder("tiny-bert");
  const int rows = Load(folder.path())->folder().encoder.vocabulary;
  folder.EditJson("tokenizer_config.json", [rows](auto& json) {
    json["added_tokens_decoder"][std::to_string(rows)] = {
        {"content", "<one-too-many>"}, {"lstrip", false}, {"normalized", false}, {"rstrip", false},
        {"single_word", false},        {"special", false}};
  });
  const auto refused = Model::Load(folder.path());
  ASSERT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("has only " + std::to_string(rows) + " rows"));
}

TEST(ModelTest, LimitThatHoldsOnlySpecialTokensIsRefused) {
  CopiedFolder folder("tiny-bert");
  folder.EditJson("sentence_bert_config.json", [](auto& json) { json["max_seq_length"] = 2; });
  const auto refused = Model::Load(folder.path());
  ASSERT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("max_seq_length is 2"));
}

TEST(ModelTest, EngineForAnotherDeviceIsRefused) {
  const auto model = Load(GoldenModel("tiny-bert"));
  const auto refused = model->NewEngine("tpu:0", {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("\"tpu:0\""));
}

TEST(ModelTest, BatchSmallerThanOneTextIsRefused) {
  const auto model = Load(GoldenModel("tiny-bert"));
  const auto refused = model->NewEngine("cpu", {.max_batch_tokens = 8});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("--max-batch-tokens is 8"));
}

}  // namespace
}  // namespace embedserve
