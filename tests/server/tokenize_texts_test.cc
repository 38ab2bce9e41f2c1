#include "server/tokenize_texts.h"

#include <future>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<TokenizedTexts> Tokenize(std::vector<TextGroup> groups,
                                        const TokenizeTextsOptions& options = {}) {
  TaskPool tasks(2);
  Tokenizer::Scratch scratch;
  std::promise<absl::StatusOr<TokenizedTexts>> promise;
  auto future = promise.get_future();
  TokenizeTexts(TestModel(), tasks, scratch, std::move(groups), options,
                [&](absl::StatusOr<TokenizedTexts> texts) { promise.set_value(std::move(texts)); });
  return future.get();
}

TokenBatch Alone(std::string_view text, std::string_view prompt) {
  Tokenizer::Scratch scratch;
  TokenBatch tokens;
  std::vector<int32_t> pooling_start;
  EXPECT_TRUE(
      TestModel().Tokenize({&text, 1}, prompt, std::nullopt, scratch, tokens, pooling_start).ok());
  return tokens;
}

TEST(TokenizeTexts, ManyTextsInChunksGiveWhatEachGivesAlone) {
  std::vector<std::string> own;
  for (uint64_t i = 0; i < 300; ++i) own.push_back(TextOf(i));
  const TextGroup group{.field = "texts", .texts = {own.begin(), own.end()}, .prompt = "query: "};
  const auto texts = Tokenize({group});
  ASSERT_TRUE(texts.ok()) << texts.status();
  ASSERT_EQ(texts->row_of.size(), own.size());
  ASSERT_EQ(texts->pooling_start.size(), texts->tokens.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const TokenBatch alone = Alone(own[i], "query: ");
    const auto ids = texts->tokens[texts->row_of[i]];
    ASSERT_EQ(std::vector<int32_t>(ids.begin(), ids.end()), alone.ids) << own[i];
    ASSERT_EQ(texts->tokens.truncated[texts->row_of[i]], alone.truncated[0]);
  }
}

TEST(TokenizeTexts, EqualTextsAreOneRow) {
  const auto texts = Tokenize({{.field = "texts", .texts = {"b", "a", "b", "a", "c", "b"}}});
  ASSERT_TRUE(texts.ok());
  EXPECT_EQ(texts->tokens.size(), 3u);
  EXPECT_THAT(texts->row_of, ElementsAre(0, 1, 0, 1, 2, 0));
}

TEST(TokenizeTexts, GroupsShareRowsOnlyUnderTheSamePrompt) {
  const auto same = Tokenize({{.field = "a", .texts = {"x", "y"}, .prompt = "p"},
                              {.field = "b", .texts = {"y", "z"}, .prompt = "p"}});
  ASSERT_TRUE(same.ok());
  EXPECT_THAT(same->row_of, ElementsAre(0, 1, 1, 2));
  const auto other = Tokenize({{.field = "a", .texts = {"x", "y"}, .prompt = "p"},
                               {.field = "b", .texts = {"y", "x"}, .prompt = ""}});
  ASSERT_TRUE(other.ok());
  EXPECT_THAT(other->row_of, ElementsAre(0, 1, 2, 3));
}

TEST(TokenizeTexts, TheFirstBadTextIsNamedWhereverItStands) {
  std::vector<std::string> own;
  for (uint64_t i = 0; i < 200; ++i) own.push_back("text " + std::to_string(i));
  own[150] = "bad \xFF";
  own[170] = "bad \xFE";
  const auto texts = Tokenize({{.field = "texts_a", .texts = {"fine"}},
                               {.field = "texts_b", .texts = {own.begin(), own.end()}}});
  EXPECT_TRUE(absl::IsInvalidArgument(texts.status()));
  EXPECT_THAT(std::string(texts.status().message()),
              HasSubstr("texts_b[150]: is not valid UTF-8 at byte 4"));
}

// --max-request-bytes may be far above what one text may have.
TEST(TokenizeTexts, ATextBeyondTheTokenizersOwnLimitIsNamed) {
  const std::string text(Tokenizer::kMaxTextBytes + 1, 'a');
  const auto texts = Tokenize({{.field = "texts", .texts = {"fine", text}}});
  EXPECT_TRUE(absl::IsInvalidArgument(texts.status()));
  EXPECT_THAT(std::string(texts.status().message()),
              HasSubstr("texts[1]: has 33554433 bytes; expected at most 33554432"));
}

TEST(TokenizeTexts, OverlongTextsAreRefusedOrCutOnEitherSide) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word ";
  text += "end";
  const TextGroup group{.field = "texts", .texts = {"short", text}};
  const auto refused = Tokenize({group}, {.overlong = OverlongTexts::kRefuse});
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("texts[1]: longer than the 32"));

  const auto end = Tokenize({group}, {.overlong = OverlongTexts::kCutEnd});
  const auto start = Tokenize({group}, {.overlong = OverlongTexts::kCutStart});
  ASSERT_TRUE(end.ok() && start.ok());
  EXPECT_THAT(end->tokens.truncated, ElementsAre(0, 1));
  EXPECT_EQ(end->tokens[1].size(), 32u);
  EXPECT_EQ(start->tokens[1].size(), 32u);
  EXPECT_NE(end->tokens.ids, start->tokens.ids);
}

TEST(TokenizeTexts, WithoutSpecialTokensThereIsOnlyTheText) {
  const TextGroup group{.field = "texts", .texts = {"a b"}};
  const auto with = Tokenize({group});
  const auto without = Tokenize({group}, {.special_tokens = false});
  ASSERT_TRUE(with.ok() && without.ok());
  const auto inner = with->tokens[0].subspan(1, with->tokens[0].size() - 2);
  EXPECT_EQ(without->tokens.ids, std::vector<int32_t>(inner.begin(), inner.end()));
}

}  // namespace
}  // namespace embedserve
