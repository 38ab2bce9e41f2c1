// Against the library: the scheme "first" in differential.py and the goldens.
#include "model/tokenizer/first_character.h"

#include <gtest/gtest.h>

#include "model/tokenizer/unigram_json.h"
#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

TEST(FirstCharacterTest, StripCutsOnBothSides) {
  EXPECT_EQ(FirstCharacterAfter(StripEnds{.left = true}, "  ab", 1), 0u);  // a blank was the first
  EXPECT_EQ(FirstCharacterAfter(StripEnds{.left = true}, "ab", 1), 1u);
  EXPECT_EQ(FirstCharacterAfter(StripEnds{.right = true}, "a  ", 3), 1u);
  EXPECT_EQ(FirstCharacterAfter(StripEnds{.left = true, .right = true}, "   ", 1), 0u);
}

TEST(FirstCharacterTest, AReplacementStemsFromTheEndOfWhatItReplaces) {
  const ReplaceText longer{.pattern = "a", .content = "xyz"};
  EXPECT_EQ(FirstCharacterAfter(longer, "aa", 1), 3u);
  EXPECT_EQ(FirstCharacterAfter(longer, "ba", 1), 1u);
  const ReplaceText two{.pattern = "ab", .content = "x"};
  EXPECT_EQ(FirstCharacterAfter(two, "abc", 1), 0u);
  EXPECT_EQ(FirstCharacterAfter(two, "abc", 2), 1u);
  EXPECT_EQ(FirstCharacterAfter(two, "cab", 0), 0u);
  EXPECT_EQ(
      FirstCharacterAfter(ReplaceText{.pattern = "  ", .extends = true, .content = "_"}, "   a", 3),
      1u);
}

TEST(FirstCharacterTest, WhatIsPrependedStemsFromTheFirst) {
  EXPECT_EQ(FirstCharacterAfter(PrependText{"__"}, "ab", 1), 3u);
  EXPECT_EQ(FirstCharacterAfter(PrependText{"__"}, "ab", 0), 0u);
}

TEST(FirstCharacterTest, ACharsmapForgetsWhatVanishesInFront) {
  const auto file = JsonFile::Parse(ReadTestdata("unigram.json").dump(), "unigram.json");
  const auto step = FindCharsmap((*file)->root());
  ASSERT_TRUE(step.ok()) << step.status();
  const auto& map = std::get<ApplyCharsmap>(**step);
  EXPECT_EQ(FirstCharacterAfter(map, "ab", 1), 1u);
  EXPECT_EQ(FirstCharacterAfter(map, "\u2122x", 3), 2u);  // TM
  EXPECT_EQ(FirstCharacterAfter(map,
                                "\x01"
                                "ab",
                                1),
            1u);                                              // the a stands in its place
  EXPECT_EQ(FirstCharacterAfter(map, "e\u0301x", 1), 2u);     // one cluster
  EXPECT_EQ(FirstCharacterAfter(map, "\u2122\x01x", 3), 1u);  // takes the M's place from it
  EXPECT_EQ(FirstCharacterAfter(map, "\x01", 1), 0u);
  EXPECT_EQ(FirstCharacterAfter(map, "ab", 0), 0u);
}

}  // namespace
}  // namespace embedserve
