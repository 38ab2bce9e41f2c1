#include "model/tokenizer/byte_level_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace embedserve {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = ByteLevelWordEnd(text, at);
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

TEST(ByteLevelPatternTest, KindsFormRuns) {
  EXPECT_THAT(Words("Hello world"), ElementsAre("Hello", " world"));
  EXPECT_THAT(Words("abc123!?"), ElementsAre("abc", "123", "!?"));
  EXPECT_THAT(Words(" 12 ab !?"), ElementsAre(" 12", " ab", " !?"));
  EXPECT_THAT(Words("x\xC2\xB2\xE2\x85\xA7"), ElementsAre("x", "\xC2\xB2\xE2\x85\xA7"));  // No, Nl
}

TEST(ByteLevelPatternTest, MarksAreNeitherLetterNorNumber) {
  EXPECT_THAT(Words("e\xCC\x81"
                    "a"),
              ElementsAre("e", "\xCC\x81", "a"));
  // Hindi falls apart at its vowel signs.
  EXPECT_THAT(Words("\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8"),
              ElementsAre("\xE0\xA4\xB9", "\xE0\xA4\xBF", "\xE0\xA4\xA8"));
}

TEST(ByteLevelPatternTest, WhiteSpaceLeavesItsLastCharacter) {
  EXPECT_THAT(Words("x\n\n y"), ElementsAre("x", "\n\n", " y"));
  EXPECT_THAT(Words("a \tb"), ElementsAre("a", " ", "\t", "b"));
  EXPECT_THAT(Words("a \t"), ElementsAre("a", " \t"));
  EXPECT_THAT(Words("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(Words("a\xC2\xA0\xC2\xA0"
                    "b"),
              ElementsAre("a", "\xC2\xA0", "\xC2\xA0", "b"));
  EXPECT_THAT(Words("a\n"), ElementsAre("a", "\n"));
  EXPECT_THAT(Words("a\x1C"
                    "b"),
              ElementsAre("a", "\x1C", "b"));  // no white space here
  EXPECT_THAT(Words(" "), ElementsAre(" "));
}

TEST(ByteLevelPatternTest, ContractionsStandWhereAWordMayBegin) {
  EXPECT_THAT(Words("'x're1"), ElementsAre("'", "x", "'re", "1"));
  EXPECT_THAT(Words("x'v3"), ElementsAre("x", "'", "v", "3"));
  EXPECT_THAT(Words(" 's"), ElementsAre(" '", "s"));
  EXPECT_THAT(Words("!'s"), ElementsAre("!'", "s"));
  EXPECT_THAT(Words("x''s"), ElementsAre("x", "''", "s"));
  EXPECT_THAT(Words("x\n's"), ElementsAre("x", "\n", "'s"));
  EXPECT_THAT(Words("I'LL"), ElementsAre("I", "'", "LL"));
  EXPECT_THAT(Words("'s't're've'm'll'd"), ElementsAre("'s", "'t", "'re", "'ve", "'m", "'ll", "'d"));
  EXPECT_THAT(Words("1'd"), ElementsAre("1", "'d"));
  EXPECT_THAT(Words("x'l"), ElementsAre("x", "'", "l"));
  EXPECT_THAT(Words("x'"), ElementsAre("x", "'"));
  EXPECT_THAT(Words("x'sd"), ElementsAre("x", "'s", "d"));
}

}  // namespace
}  // namespace embedserve
