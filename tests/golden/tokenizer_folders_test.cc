// Which tokenizer a folder has, key by key and file by file, against the reference's AutoTokenizer.
// A case names its files (make_tokenizer_goldens.py says how); the folder is written and loaded.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/tokenizer/tokenizer.h"
#include "tests/golden/golden_file.h"
#include "tests/golden/golden_folder.h"

namespace embedserve {
namespace {

using OrderedJson = nlohmann::ordered_json;

class TokenizerFolderTest : public testing::Test {
 protected:
  void Check(const OrderedJson& golden, const OrderedJson& distinct,
             const std::filesystem::path& folder) {
    const auto tokenizer =
        Tokenizer::FromFolder(folder, {.lower_case_first = golden.value("lower_case_first", false),
                                       .model_type = golden.at("model_type").get<std::string>()});
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    Tokenizer::Scratch scratch;
    TokenBatch batch;
    const auto status = (*tokenizer)->Encode(views, {}, scratch, batch);
    ASSERT_TRUE(status.ok()) << status;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const OrderedJson& ids = distinct.at(i).at(golden.at("ids").at(i).get<std::size_t>());
      EXPECT_THAT(batch[i], testing::ElementsAreArray(ids.get<std::vector<int32_t>>()))
          << "text " << i << ": " << texts_[i];
    }
    const OrderedJson& length = golden.at("model_max_length");
    EXPECT_EQ((*tokenizer)->model_max_length().value_or(0),
              length.is_null() ? 0 : length.get<int64_t>());
    EXPECT_EQ((*tokenizer)->default_truncation_side() == TruncationSide::kStart,
              golden.at("truncation_side").get<std::string>() == "left");
  }

  std::vector<std::string> texts_;
};

TEST_F(TokenizerFolderTest, SameIdsAsAutoTokenizer) {
  const OrderedJson golden = ReadOrderedJson(GoldenDirectory() / "tokenizer_folders.json");
  texts_ = golden.at("texts").get<std::vector<std::string>>();
  for (const OrderedJson& one : golden.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const TemporaryFolder folder;
    if (!one.at("files").contains("config.json")) {
      WriteFile(folder.path() / "config.json",
                OrderedJson{{"model_type", one.at("model_type")}}.dump());
    }
    WriteFiles(one.at("files"), folder.path());
    Check(one, golden.at("distinct_ids"), folder.path());
  }
  EXPECT_GT(golden.at("cases").size(), 100u);
}

TEST(TokenizerLimitTest, CutLikeTheReferenceAtEitherSide) {
  const OrderedJson golden = ReadOrderedJson(GoldenDirectory() / "tokenizer_folders.json");
  const auto texts = golden.at("limit_texts").get<std::vector<std::string>>();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const OrderedJson& limit : golden.at("limits")) {
    const auto tokenizer =
        Tokenizer::FromFolder(GoldenDirectory() / limit.at("folder").get<std::string>(), {});
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    Tokenizer::Scratch scratch;
    TokenBatch whole;
    TokenBatch cut;
    TokenizeOptions options;
    ASSERT_TRUE((*tokenizer)->Encode(views, options, scratch, whole).ok());
    options.max_length = limit.at("max_length").get<int>();
    options.truncation_side = limit.at("side").get<std::string>() == "left" ? TruncationSide::kStart
                                                                            : TruncationSide::kEnd;
    ASSERT_TRUE((*tokenizer)->Encode(views, options, scratch, cut).ok());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto ids = limit.at("ids").at(i).get<std::vector<int32_t>>();
      EXPECT_THAT(cut[i], testing::ElementsAreArray(ids)) << limit << ": " << texts[i];
      EXPECT_EQ(cut.truncated[i] != 0, whole[i].size() > ids.size()) << limit << ": " << texts[i];
    }
  }
}

}  // namespace
}  // namespace embedserve
