// What is wrong with a tokenizer.json is said with file, key and value.
#include "model/tokenizer/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/tokenizer/tokenizer.h"
#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct BadFile {
  const char* name;
  const char* base;
  const char* patch;  // RFC 7396 over the small tokenizer
  const char* says;
};

class BadTokenizerJsonTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadTokenizerJsonTest, IsRefusedByName) {
  const auto tokenizer = SmallTokenizer(GetParam().base, json::parse(GetParam().patch));
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(tokenizer.status().message()),
              AllOf(HasSubstr(std::string(GetParam().base) + ".json"), HasSubstr(GetParam().says)));
}

constexpr char kPiece[] = "word_piece_uncased";
constexpr char kBytes[] = "byte_level";

INSTANTIATE_TEST_SUITE_P(
    Files, BadTokenizerJsonTest,
    testing::Values(
        BadFile{"Version", kPiece, R"({"version": "2.0"})", "expected \"1.0\""},
        BadFile{"NoModel", kPiece, R"({"model": null})", "model"},
        BadFile{"ModelType", kPiece, R"({"model": {"type": "WordLevel"}})", "WordLevel"},
        BadFile{"ModelTypeMissing", kPiece,
                R"({"model": {"type": null, "continuing_subword_prefix": null}})",
                "known are BPE, WordPiece and Unigram"},
        BadFile{"Unigram", kPiece, R"({"model": {"type": "Unigram"}})",
                "behind the pre-tokenizer Metaspace only"},
        BadFile{"NoVocabulary", kPiece, R"({"model": {"vocab": null}})", "vocab"},
        BadFile{"VocabularyList", kPiece, R"({"model": {"vocab": []}})", "vocab"},
        BadFile{"IdText", kPiece, R"({"model": {"vocab": {"zz": "1"}}})", "expected an integer"},
        BadFile{"IdNegative", kPiece, R"({"model": {"vocab": {"zz": -1}}})", "zz"},
        BadFile{"IdHuge", kPiece, R"({"model": {"vocab": {"zz": 4294967296}}})", "zz"},
        BadFile{"IdShared", kPiece, R"({"model": {"vocab": {"zz": 5}}})", "have the same id 5"},
        BadFile{"UnkMissing", kPiece, R"({"model": {"unk_token": "zz"}})", "'zz'"},
        BadFile{"NoPrefix", kPiece, R"({"model": {"continuing_subword_prefix": null}})",
                "continuing_subword_prefix"},
        BadFile{"Limit", kPiece, R"({"model": {"max_input_chars_per_word": -3}})", "-3"},
        BadFile{"Normalizer", kPiece, R"({"normalizer": {"type": "ByteLevel"}})", "ByteLevel"},
        BadFile{"NormalizerKey", kPiece, R"({"normalizer": {"clean_text": null}})", "clean_text"},
        BadFile{"NormalizerInside", kPiece,
                R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}]}})",
                "ByteLevel"},
        BadFile{"PreTokenizer", kPiece, R"({"pre_tokenizer": {"type": "Whitespace"}})",
                "Whitespace"},
        BadFile{"NoPreTokenizer", kPiece, R"({"pre_tokenizer": null})", "pre_tokenizer"},
        BadFile{"PreTokenizers", kPiece,
                R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                    {"type": "BertPreTokenizer"}, {"type": "BertPreTokenizer"}]}})",
                "exactly one pre-tokenizer"},
        BadFile{"WordPieceBytes", kPiece,
                R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true}})",
                "BertPreTokenizer only"},
        BadFile{"PostProcessor", kPiece,
                R"({"post_processor": {"type": "Other", "single": null, "pair": null}})", "Other"},
        BadFile{"PostProcessorKeys", kPiece, R"({"post_processor": {"sep": ["x", 1]}})", "sep"},
        BadFile{"Template", kPiece, R"({"post_processor": {"single": []}})", "exactly once"},
        BadFile{"TemplateB", kPiece,
                R"({"post_processor": {"single": [{"Sequence": {"id": "B", "type_id": 0}}]}})",
                "no sequence \"B\""},
        BadFile{"TemplateToken", kPiece,
                R"({"post_processor": {"single": [{"SpecialToken": {"id": "zz", "type_id": 0}}]}})",
                "zz"},
        BadFile{"AddedId", kPiece,
                R"({"added_tokens": [{"id": 9999, "content": "zz", "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": false, "special": true}]})",
                "'zz' has id 9999"},
        BadFile{"AddedFlag", kPiece,
                R"({"added_tokens": [{"id": 0, "content": "[PAD]", "lstrip": false,
                    "rstrip": false, "normalized": false, "special": true}]})",
                "single_word"},
        BadFile{"AddedTwins", kPiece,
                R"({"added_tokens": [
                    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false,
                     "rstrip": false, "normalized": true, "special": true},
                    {"id": 491, "content": "[pad]", "single_word": false, "lstrip": false,
                     "rstrip": false, "normalized": true, "special": true}]})",
                "have the same normal form '[pad]'"},
        BadFile{"Truncation", kPiece, R"({"truncation": {"direction": "Up"}})", "Up"},
        BadFile{"MergeUnknown", kBytes, R"({"model": {"merges": ["a zzz"]}})",
                "'zzz' is not in the vocabulary"},
        BadFile{"MergeResult", kBytes, R"({"model": {"merges": [["q", "q"]]}})",
                "'qq' is not in the vocabulary"},
        BadFile{"MergeLine", kBytes, R"({"model": {"merges": ["a b c"]}})", "one space"},
        BadFile{"MergeNumber", kBytes, R"({"model": {"merges": [1]}})", "expected \"a b\""},
        BadFile{"Dropout", kBytes, R"({"model": {"dropout": 0.1}})", "dropout"},
        BadFile{"ByteFallback", kBytes, R"({"model": {"byte_fallback": true}})", "byte_fallback"},
        BadFile{"Suffix", kBytes, R"({"model": {"end_of_word_suffix": "</w>"}})", "</w>"},
        BadFile{"NoRegex", kBytes, R"({"pre_tokenizer": {"use_regex": false}})", "use_regex"},
        BadFile{"BpeWords", kBytes,
                R"({"pre_tokenizer": {"type": "BertPreTokenizer", "add_prefix_space": null}})",
                "ByteLevel only"}),
    [](const auto& info) { return std::string(info.param.name); });

std::string MessageFor(std::string_view text) {
  return std::string(Tokenizer::FromJson(text, "tokenizer.json").status().message());
}

TEST(TokenizerJsonTest, BrokenJsonIsRefused) {
  for (const std::string_view text : {"", "{", "[]", "{\"model\": }", "\xFF", "nul", "{} x"}) {
    EXPECT_THAT(MessageFor(text), HasSubstr("tokenizer.json")) << text;
  }
  EXPECT_THAT(std::string(Tokenizer::FromFile("/nowhere/tokenizer.json").status().message()),
              HasSubstr("/nowhere/tokenizer.json"));
}

TEST(TokenizerJsonTest, ATruncatedFileIsRefusedAtEveryLength) {
  const std::string text =
      ExpandFile({{"$base", kPiece}, {"$as", "tokenizer.json"}, {"$patch", {}}});
  ASSERT_TRUE(Tokenizer::FromJson(text, "tokenizer.json").ok());
  for (std::size_t size = 0; size < text.size(); size += 37) {
    EXPECT_FALSE(Tokenizer::FromJson(text.substr(0, size), "tokenizer.json").ok()) << size;
  }
}

TEST(TokenizerJsonTest, ARepeatedTokenIsWarnedOf) {
  std::string text = ExpandFile({{"$base", kPiece}, {"$as", "tokenizer.json"}, {"$patch", {}}});
  const std::string_view vocabulary = "\"vocab\":{";
  text.insert(text.find(vocabulary) + vocabulary.size(), "\"the\":4000,");
  const auto tokenizer = Tokenizer::FromJson(text, "tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->warnings(), testing::ElementsAre(HasSubstr("\"the\" is given twice")));
  EXPECT_LT((*tokenizer)->vocabulary_size(), 4000);  // the last counts
}

TEST(TokenizerJsonTest, OlderFilesWithoutTypesAndFlagsLoad) {
  const auto tokenizer =
      SmallTokenizer(kBytes, json::parse(R"({"version": null, "truncation": null, "padding": null,
                              "added_tokens": null, "decoder": null, "post_processor": null,
                              "model": {"type": null, "dropout": null, "fuse_unk": null,
                                        "byte_fallback": null, "ignore_merges": null}})"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->special_tokens(), 0);
  EXPECT_FALSE((*tokenizer)->ends_with_special_token());
}

TEST(TokenizerJsonTest, TruncationGivesTheDefaultSide) {
  const auto left = SmallTokenizer(kPiece, json::parse(R"({"truncation": {"direction": "Left"}})"));
  ASSERT_TRUE(left.ok());
  EXPECT_EQ((*left)->default_truncation_side(), TruncationSide::kStart);
  const auto none = SmallTokenizer(kPiece);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ((*none)->default_truncation_side(), TruncationSide::kEnd);
}

}  // namespace
}  // namespace embedserve
