#include "model/tokenizer/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Pieces = std::vector<std::pair<std::string, int32_t>>;

absl::StatusOr<AddedTokenMatcher> Matcher(const std::vector<AddedToken>& tokens,
                                          bool special = false) {
  std::vector<AddedTokenMatcher::Pattern> patterns;
  for (const AddedToken& token : tokens) {
    const auto id = static_cast<int32_t>(patterns.size());
    patterns.push_back({token.content, id, token, special});
  }
  return AddedTokenMatcher::Build(patterns);
}

Pieces Split(const std::vector<AddedToken>& tokens, std::string_view text, bool special = false,
             bool specials_are_text = false) {
  const auto matcher = Matcher(tokens, special);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  Pieces pieces;
  EXPECT_TRUE(matcher->Split(text, specials_are_text, [&](std::string_view piece, int32_t id) {
    pieces.emplace_back(piece, id);
    return true;
  }));
  return pieces;
}

TEST(AddedTokenMatcherTest, TheLeftmostLongestMatchWins) {
  EXPECT_THAT(Split({{"<a>"}, {"<a>b"}}, "x<a>by<a>"),
              ElementsAre(Pair("x", -1), Pair("<a>b", 1), Pair("y", -1), Pair("<a>", 0)));
  EXPECT_THAT(Split({{"<a>"}}, "plain"), ElementsAre(Pair("plain", -1)));
  EXPECT_THAT(Split({{"<a>"}}, ""), IsEmpty());
  EXPECT_THAT(Split({}, "plain"), ElementsAre(Pair("plain", -1)));
}

TEST(AddedTokenMatcherTest, StripsSwallowWhiteSpace) {
  EXPECT_THAT(Split({{.content = "<m>", .lstrip = true}}, "a  <m>  b"),
              ElementsAre(Pair("a", -1), Pair("  <m>", 0), Pair("  b", -1)));
  EXPECT_THAT(Split({{.content = "<m>", .rstrip = true}},
                    "a  <m> \xC2\xA0"
                    "b"),
              ElementsAre(Pair("a  ", -1), Pair("<m> \xC2\xA0", 0), Pair("b", -1)));
  EXPECT_THAT(Split({{.content = "<m>", .lstrip = true, .rstrip = true}}, " <m> <m> "),
              ElementsAre(Pair(" <m> ", 0), Pair("<m> ", 0)));
}

TEST(AddedTokenMatcherTest, ATokenOfWhiteSpaceMayMatchWhatAStripSwallowed) {
  EXPECT_THAT(Split({{.content = "<m>", .rstrip = true}, {" "}}, "<m>  x"),
              ElementsAre(Pair("<m>  ", 0), Pair(" ", 1), Pair(" ", 1), Pair("x", -1)));
}

TEST(AddedTokenMatcherTest, ASingleWordBesideAWordIsConsumedAllTheSame) {
  const std::vector<AddedToken> tokens = {{.content = "ab", .single_word = true}, {"b"}};
  EXPECT_THAT(Split(tokens, "xab"), ElementsAre(Pair("xab", -1)));
  EXPECT_THAT(Split(tokens, "x ab!"), ElementsAre(Pair("x ", -1), Pair("ab", 0), Pair("!", -1)));
  EXPECT_THAT(Split(tokens, "ab_"), ElementsAre(Pair("ab_", -1)));
  EXPECT_THAT(Split(tokens,
                    "\xC3\xA9"
                    "ab"),
              ElementsAre(Pair("\xC3\xA9"
                               "ab",
                               -1)));
  EXPECT_THAT(Split(tokens, "b"), ElementsAre(Pair("b", 1)));
}

TEST(AddedTokenMatcherTest, AnIgnoredTokenIsConsumedAsText) {
  EXPECT_THAT(Split({{"<m>"}}, "a<m>b", /*special=*/true, /*specials_are_text=*/true),
              ElementsAre(Pair("a<m>b", -1)));
  EXPECT_THAT(Split({{"<m>"}}, "a<m>", /*special=*/true, /*specials_are_text=*/false),
              ElementsAre(Pair("a", -1), Pair("<m>", 0)));
  EXPECT_THAT(Split({{"<m>"}}, "a<m>", /*special=*/false, /*specials_are_text=*/true),
              ElementsAre(Pair("a", -1), Pair("<m>", 0)));
}

TEST(AddedTokenMatcherTest, SplittingStopsWhenThePieceSaysSo) {
  const auto matcher = Matcher({{"<m>"}});
  int pieces = 0;
  EXPECT_FALSE(
      matcher->Split("a<m>b<m>", false, [&](std::string_view, int32_t) { return ++pieces < 2; }));
  EXPECT_EQ(pieces, 2);
}

TEST(AddedTokenMatcherTest, WhatTheLibraryFailsOnIsRefused) {
  const auto message = [](const std::vector<AddedToken>& tokens) {
    return std::string(Matcher(tokens).status().message());
  };
  EXPECT_THAT(message({{""}}), HasSubstr("is empty in its normal form"));
  EXPECT_THAT(message({{"x"}, {"x"}}), HasSubstr("have the same normal form 'x'"));
  EXPECT_THAT(message({{.content = " x", .lstrip = true}, {.content = "y", .rstrip = true}}),
              HasSubstr("begins with white space"));
}

TEST(AddedTokenMatcherTest, AMillionRepetitionsAreSplit) {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += "<m>";
  const auto count = [](const AddedToken& token, std::string_view in) {
    std::size_t pieces = 0;
    const auto matcher = Matcher({token});
    EXPECT_TRUE(matcher->Split(in, false, [&](std::string_view, int32_t) { return ++pieces > 0; }));
    return pieces;
  };
  EXPECT_EQ(count({.content = "<m>", .lstrip = true, .rstrip = true}, text), 300000u);
  EXPECT_EQ(count({.content = " ", .rstrip = true}, std::string(1000000, ' ')), 1000000u);
}

TEST(AddedVocabularyTest, NewTokensFollowTheNumberOfEntries) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 0).ok());
  ASSERT_TRUE(vocabulary.Add("b", 7).ok());  // holes: the count is 2
  AddedVocabulary added;
  added.Add(vocabulary, {{"b"}, {"x"}, {""}, {"y"}});
  EXPECT_EQ(added.Find(vocabulary, "b"), 7);
  EXPECT_EQ(added.Find(vocabulary, "x"), 2);
  EXPECT_EQ(added.Find(vocabulary, "y"), 3);
  EXPECT_EQ(added.Find(vocabulary, "a"), 0);
  added.Add(vocabulary, {{"z"}});  // a later call goes on behind the largest id
  EXPECT_EQ(added.Find(vocabulary, "z"), 8);
}

TEST(AddedVocabularyTest, OfEqualContentsTheLastFlagsCountAndSpecialStays) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 0).ok());
  AddedVocabulary added;
  added.Add(vocabulary, {{.content = "x", .special = true}, {.content = "x", .lstrip = true}});
  ASSERT_EQ(added.tokens().size(), 1u);
  EXPECT_TRUE(added.tokens().at(1).lstrip);
  EXPECT_TRUE(added.IsSpecial("x"));
}

}  // namespace
}  // namespace embedserve
