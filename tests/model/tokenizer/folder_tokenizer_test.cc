// Folders that are refused or warned of; what good ones give is in tokenizer_golden_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "model/tokenizer/tokenizer.h"
#include "tests/model/tokenizer/goldens.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FolderTokenizerTest : public testing::Test {
 protected:
  void Write(const std::string& name, const json& content) {
    std::ofstream(directory_.path() / name, std::ios::binary) << ExpandFile(content);
  }
  void WriteTokenizer(const std::string& base, const json& patch = json::object()) {
    Write("tokenizer.json", {{"$base", base}, {"$as", "tokenizer.json"}, {"$patch", patch}});
  }
  absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(
      const FolderTokenizerOptions& options = {}) {
    return Tokenizer::FromFolder(directory_.path(), options);
  }
  std::string Message(const FolderTokenizerOptions& options = {}) {
    const auto tokenizer = Load(options);
    EXPECT_FALSE(tokenizer.ok());
    EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kFailedPrecondition);
    return std::string(tokenizer.status().message());
  }

  TemporaryDirectory directory_;
};

TEST_F(FolderTokenizerTest, AnEmptyFolderIsRefused) {
  EXPECT_THAT(Message(), HasSubstr("no file names a tokenizer_class"));
  EXPECT_THAT(Message({.model_type = "bert"}), HasSubstr("vocab.txt"));
  EXPECT_THAT(Message({.model_type = "roberta"}), HasSubstr("vocab.json"));
  EXPECT_THAT(Message({.model_type = "t5"}), HasSubstr("model_type 't5'"));
}

TEST_F(FolderTokenizerTest, ByteLevelFilesComeTogether) {
  Write("vocab.json", {{"$base", "byte_level"}, {"$as", "vocab.json"}, {"$patch", json::object()}});
  EXPECT_THAT(Message({.model_type = "roberta"}), HasSubstr("merges.txt"));
}

TEST_F(FolderTokenizerTest, ClassesOutsideTheTableAreRefusedByName) {
  WriteTokenizer("word_piece_uncased");
  Write("tokenizer_config.json", {{"tokenizer_class", "BertJapaneseTokenizer"}});
  EXPECT_THAT(Message(), HasSubstr("\"BertJapaneseTokenizer\", which is not supported"));
  Write("tokenizer_config.json", {{"tokenizer_class", "T5TokenizerFast"}});
  EXPECT_THAT(Message(), HasSubstr("\"T5TokenizerFast\", which is not supported"));
  Write("tokenizer_config.json",
        {{"tokenizer_class", "BertTokenizer"}, {"auto_map", {{"AutoTokenizer", "x.Y"}}}});
  EXPECT_THAT(Message(), HasSubstr("code of their own"));
}

TEST_F(FolderTokenizerTest, AModelOfAnotherClassIsRefused) {
  WriteTokenizer("byte_level");
  EXPECT_THAT(Message({.model_type = "bert"}), HasSubstr("set \"tokenizer_class\""));
  WriteTokenizer("word_piece_uncased", {{"model", {{"type", "Unigram"}}}});
  EXPECT_THAT(Message({.model_type = "bert"}), HasSubstr("set \"tokenizer_class\""));
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}), HasSubstr("expected an array"));
  std::filesystem::remove(directory_.path() / "tokenizer.json");
}

TEST_F(FolderTokenizerTest, ModelFilesAreRefusedByName) {
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}),
              HasSubstr("has neither tokenizer.json nor sentencepiece.bpe.model"));
  Write("sentencepiece.bpe.model", "<unk>\t0\n");
  EXPECT_THAT(Message({.model_type = "camembert"}),
              HasSubstr("sentencepiece.bpe.model: is no sentencepiece model"));
  const auto write = [&](const json& patch) {
    Write("sentencepiece.bpe.model",
          {{"$base", "unigram"}, {"$as", "sentencepiece.bpe.model"}, {"$patch", patch}});
  };
  write({{"model", {{"model_type", 2}}}});
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}), HasSubstr("model_type is 2; expected 1"));
  write({{"normalizer", {{"precompiled_charsmap", "AAAA"}}}});
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}),
              HasSubstr("sentencepiece.bpe.model: normalizer_spec: a charsmap of 3 bytes"));
  write(json::object());
  ASSERT_TRUE(Load({.model_type = "xlm-roberta"}).ok());
  Write("tokenizer_config.json", {{"pad_token", nullptr}});
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}), HasSubstr("pad_token is null"));
  std::filesystem::remove(directory_.path() / "tokenizer_config.json");
  // The reference would read this file instead.
  Write("tokenizer.model", "x");
  EXPECT_THAT(Message({.model_type = "xlm-roberta"}),
              HasSubstr("tokenizer.model: is not supported"));
}

TEST_F(FolderTokenizerTest, IdsThatTheLibraryWouldNotGiveAreRefused) {
  WriteTokenizer("word_piece_uncased");
  Write("tokenizer_config.json",
        {{"tokenizer_class", "BertTokenizer"},
         {"added_tokens_decoder", {{"4000", {{"content", "<new>"}, {"special", true}}}}}});
  EXPECT_THAT(Message(), HasSubstr("tokenizer_config.json: added_tokens_decoder: the token '<new>' "
                                   "has id 4000"));
  Write("tokenizer_config.json", {{"tokenizer_class", "BertTokenizer"}});
  Write("added_tokens.json", {{"<new>", 4000}});
  EXPECT_THAT(Message(), HasSubstr("the token '<new>' has id 4000"));
}

TEST_F(FolderTokenizerTest, BadSettingsAreRefused) {
  WriteTokenizer("word_piece_uncased");
  const auto message = [&](json settings) {
    settings["tokenizer_class"] = "BertTokenizer";
    Write("tokenizer_config.json", settings);
    return Message();
  };
  EXPECT_THAT(message({{"do_lower_case", "yes"}}), HasSubstr("do_lower_case"));
  EXPECT_THAT(message({{"truncation_side", "middle"}}), HasSubstr("\"left\" or \"right\""));
  EXPECT_THAT(message({{"cls_token", nullptr}}), HasSubstr("cls_token is null"));
  EXPECT_THAT(message({{"cls_token", "a b"}}), HasSubstr("cannot stand in a template"));
  EXPECT_THAT(message({{"unk_token", "<none>"}}), HasSubstr("'<none>' is not in the vocabulary"));
  EXPECT_THAT(message({{"cls_token", {{"content", "x"}}}}), HasSubstr("__type"));
  EXPECT_THAT(message({{"cls_token", 3}}), HasSubstr("cls_token"));
  EXPECT_THAT(message({{"model_max_length", 0}}), HasSubstr("model_max_length"));
  EXPECT_THAT(message({{"model_max_length", "long"}}), HasSubstr("model_max_length"));
  EXPECT_THAT(message({{"init_inputs", {1}}}), HasSubstr("init_inputs"));
  EXPECT_THAT(message({{"added_tokens_decoder", {{"x", {{"content", "y"}}}}}}),
              HasSubstr("not a number"));
  EXPECT_THAT(message({{"extra_special_tokens", {1}}}), HasSubstr("extra_special_tokens"));
}

TEST_F(FolderTokenizerTest, BrokenCompanionsAreRefused) {
  WriteTokenizer("word_piece_uncased");
  Write("tokenizer_config.json", {{"tokenizer_class", "BertTokenizer"}});
  ASSERT_TRUE(Load().ok());
  for (const std::string name : {"special_tokens_map.json", "added_tokens.json", "config.json"}) {
    Write(name, json("{\"x\": "));
    EXPECT_THAT(Message(), HasSubstr(name));
    std::filesystem::remove(directory_.path() / name);
  }
}

TEST_F(FolderTokenizerTest, AFileThatDiffersFromItsClassIsWarnedOf) {
  Write("tokenizer_config.json", {{"tokenizer_class", "BertTokenizer"}});
  WriteTokenizer("word_piece_uncased");
  auto tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(), IsEmpty());

  WriteTokenizer("word_piece_cased");  // without do_lower_case: false
  tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(), ElementsAre(HasSubstr("normalizer is not what")));

  WriteTokenizer("word_piece_uncased",
                 {{"model", {{"max_input_chars_per_word", 50}}}, {"post_processor", nullptr}});
  tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(),
              ElementsAre(HasSubstr("post_processor is not what"), HasSubstr("model is not what")));
}

TEST_F(FolderTokenizerTest, AUnigramFileThatDiffersFromItsClassIsWarnedOf) {
  Write("tokenizer_config.json", {{"tokenizer_class", "XLMRobertaTokenizer"}});
  WriteTokenizer("unigram");
  auto tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(), IsEmpty());
  WriteTokenizer("unigram", {{"model", {{"unk_id", 1}}}, {"post_processor", nullptr}});
  tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(),
              ElementsAre(HasSubstr("post_processor is not what"), HasSubstr("model is not what")));
}

TEST_F(FolderTokenizerTest, SettingsAreReported) {
  WriteTokenizer("byte_level");
  Write("tokenizer_config.json", {{"tokenizer_class", "RobertaTokenizer"},
                                  {"model_max_length", 512},
                                  {"truncation_side", "left"}});
  const auto tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->model_max_length(), 512);
  EXPECT_EQ((*tokenizer)->default_truncation_side(), TruncationSide::kStart);
  EXPECT_EQ((*tokenizer)->special_tokens(), 2);
  EXPECT_TRUE((*tokenizer)->ends_with_special_token());
  EXPECT_EQ((*tokenizer)->Token(0), "<s>");
  EXPECT_EQ((*tokenizer)->Token(-1), "");
  EXPECT_EQ((*tokenizer)->Token((*tokenizer)->vocabulary_size()), "");
}

}  // namespace
}  // namespace embedserve
