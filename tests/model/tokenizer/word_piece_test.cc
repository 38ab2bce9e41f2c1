#include "model/tokenizer/word_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// 0 [UNK], 1 a, 2 ab, 3 ##c, 4 ##cd, 5 ., 6 e acute, 7 ##e, 8 #
Vocabulary SmallVocabulary() {
  Vocabulary vocabulary;
  for (const char* token : {"[UNK]", "a", "ab", "##c", "##cd", ".", "\xC3\xA9", "##e", "#"}) {
    EXPECT_TRUE(vocabulary.Add(token, static_cast<int64_t>(vocabulary.count())).ok());
  }
  return vocabulary;
}

std::vector<int32_t> Encode(std::string_view text, const WordPieceOptions& options = {},
                            std::size_t enough = kAll) {
  const auto model = WordPiece::Build(SmallVocabulary(), options);
  EXPECT_TRUE(model.ok()) << model.status();
  WordCache cache;
  cache.BelongTo({1});
  WordPiece::Buffers buffers;
  std::vector<int32_t> ids;
  model->Append(text, enough, cache, buffers, ids);
  return ids;
}

TEST(WordPieceTest, TheLongestPieceWins) {
  EXPECT_THAT(Encode("abcd"), ElementsAre(2, 4));
  EXPECT_THAT(Encode("abcc"), ElementsAre(2, 3, 3));
  EXPECT_THAT(Encode("\xC3\xA9"
                     "e"),
              ElementsAre(6, 7));
}

TEST(WordPieceTest, OneMissingPieceMakesTheWholeWordUnknown) {
  EXPECT_THAT(Encode("abcx a"), ElementsAre(0, 1));
  EXPECT_THAT(Encode("aa"), ElementsAre(0));  // no ##a
  EXPECT_THAT(Encode("c"), ElementsAre(0));   // ##c only stands inside
}

TEST(WordPieceTest, WhiteSpaceDividesAndPunctuationStandsAlone) {
  EXPECT_THAT(Encode(" a  ab.a\xE3\x80\x80."), ElementsAre(1, 2, 5, 1, 5));
  EXPECT_THAT(Encode("##c"), ElementsAre(8, 8, 0));
  EXPECT_THAT(Encode("  "), IsEmpty());
}

TEST(WordPieceTest, WordsOverTheLimitAreUnknown) {
  EXPECT_THAT(Encode("abc", {.max_input_chars_per_word = 3}), ElementsAre(2, 3));
  EXPECT_THAT(Encode("abcd", {.max_input_chars_per_word = 3}), ElementsAre(0));
  EXPECT_THAT(Encode("\xC3\xA9"
                     "ee",
                     {.max_input_chars_per_word = 3}),
              ElementsAre(6, 7, 7));
  EXPECT_THAT(Encode("a" + std::string(99, 'e')), testing::SizeIs(100));
  EXPECT_THAT(Encode("a" + std::string(100, 'e')), ElementsAre(0));
}

TEST(WordPieceTest, AnEmptyPrefixMakesEveryTokenAPieceInside) {
  EXPECT_THAT(Encode("aaba", {.continuing_subword_prefix = ""}), ElementsAre(1, 2, 1));
  EXPECT_THAT(Encode("ab", {.continuing_subword_prefix = "@@"}), ElementsAre(2));
  EXPECT_THAT(Encode("abc", {.continuing_subword_prefix = "@@"}), ElementsAre(0));
}

TEST(WordPieceTest, StopsBehindAWordWhenThereIsEnough) {
  EXPECT_EQ(Encode("abcc a a a a", {}, 2).size(), 3u);
}

TEST(WordPieceTest, AMissingUnknownTokenIsRefused) {
  EXPECT_THAT(
      std::string(WordPiece::Build(SmallVocabulary(), {.unk_token = "<unk>"}).status().message()),
      HasSubstr("the unk_token '<unk>' is not in the vocabulary of 9 tokens"));
}

}  // namespace
}  // namespace embedserve
