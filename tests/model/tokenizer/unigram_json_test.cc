// What is refused; what is read shows in tokenizer_golden_test.cc.
#include "model/tokenizer/unigram_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string Message(const json& patch) {
  const auto tokenizer = SmallTokenizer("unigram", patch);
  EXPECT_FALSE(tokenizer.ok()) << patch;
  return tokenizer.ok() ? "" : std::string(tokenizer.status().message());
}

json Split(json metaspace) {
  metaspace["type"] = "Metaspace";
  metaspace.emplace("replacement", "\u2581");
  return {{"pre_tokenizer", {{"pretokenizers", {{{"type", "WhitespaceSplit"}}, metaspace}}}}};
}

TEST(UnigramJsonTest, MetaspacesThatAreNotSupportedAreRefused) {
  EXPECT_THAT(Message(Split({{"replacement", "_"}})), HasSubstr("replacement is \"_\""));
  EXPECT_THAT(Message(Split({{"prepend_scheme", "last"}})),
              HasSubstr("prepend_scheme is \"last\""));
  json first = Split({{"prepend_scheme", "first"}});
  EXPECT_TRUE(SmallTokenizer("unigram", first).ok());
  first["normalizer"] = {{"type", "NFC"}};
  EXPECT_THAT(Message(first), HasSubstr("Precompiled, Prepend, Replace and Strip only"));
  EXPECT_THAT(Message(Split({{"add_prefix_space", false}, {"prepend_scheme", "always"}})),
              HasSubstr("expected \"never\""));
  EXPECT_THAT(Message({{"pre_tokenizer",
                        {{"pretokenizers",
                          {{{"type", "Metaspace"}, {"replacement", "\u2581"}},
                           {{"type", "WhitespaceSplit"}}}}}}}),
              HasSubstr("this sequence is not supported"));
}

TEST(UnigramJsonTest, OtherNormalizersAreRefusedByName) {
  const auto message = [](json normalizer) {
    return Message({{"normalizer", {{"type", "Sequence"}, {"normalizers", {normalizer}}}}});
  };
  EXPECT_THAT(message({{"type", "ByteLevel"}}), HasSubstr("\"ByteLevel\""));
  EXPECT_THAT(message({{"type", "Prepend"}, {"prepend", ""}}), HasSubstr("remove this step"));
  EXPECT_THAT(message({{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", ""}}),
              HasSubstr("pattern"));
  EXPECT_THAT(message({{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", ""}}),
              HasSubstr("pattern"));
  EXPECT_THAT(message({{"type", "Precompiled"}, {"precompiled_charsmap", "*"}}),
              HasSubstr("expected base64"));
  EXPECT_THAT(message({{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}),
              HasSubstr("does not hold its array"));
}

TEST(UnigramJsonTest, ModelsAreChecked) {
  const auto message = [](json model) { return Message({{"model", std::move(model)}}); };
  EXPECT_THAT(message({{"unk_id", nullptr}}), HasSubstr("unk_id"));
  EXPECT_THAT(message({{"unk_id", 100000}}), HasSubstr("unk_id is 100000"));
  EXPECT_THAT(message(json::parse(R"({"vocab": [["a"]]})")), HasSubstr("expected [piece, score]"));
  EXPECT_THAT(message(json::parse(R"({"vocab": [["a", "b"]]})")), HasSubstr("expected a number"));
}

TEST(UnigramJsonTest, ScoresAreRoundedAsTheReaderIsTold) {
  const auto file = JsonFile::Parse(R"([["a", -12.015508651733398], ["b", -3], ["c", 1e2]])", "x");
  ASSERT_TRUE(file.ok());
  for (const ScoreRounding rounding : {ScoreRounding::kSerde, ScoreRounding::kNearest}) {
    Vocabulary vocabulary;
    const auto pieces = ReadUnigramPieces((*file)->root(), rounding, vocabulary);
    ASSERT_TRUE(pieces.ok()) << pieces.status();
    const double twice = -12015508651733398.0 / 1e15;
    EXPECT_EQ((*pieces)[0].second, rounding == ScoreRounding::kSerde ? twice : -12.015508651733398);
    EXPECT_EQ((*pieces)[1].second, -3);
    EXPECT_EQ((*pieces)[2].second, 100);
    EXPECT_EQ(vocabulary.Find("c"), 2);
  }
}

}  // namespace
}  // namespace embedserve
