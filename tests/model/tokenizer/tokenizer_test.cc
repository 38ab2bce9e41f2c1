// The contract of Tokenizer::Encode.
#include "model/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<const Tokenizer> Load(std::string_view base, const nlohmann::json& patch = {}) {
  auto tokenizer = SmallTokenizer(base, patch);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

// Texts of the golden file, for properties that need many.
std::vector<std::string> ManyTexts() {
  std::vector<std::string> texts;
  const nlohmann::json goldens = ReadTestdata("goldens.json");
  for (const nlohmann::json& golden : goldens["sets"][0]["cases"]) {
    texts.push_back(golden[0].get<std::string>());
  }
  EXPECT_GT(texts.size(), 200u);
  return texts;
}

TEST(TokenizerTest, TextsAreAppendedOneAfterTheOther) {
  const auto tokenizer = Load("word_piece_uncased");
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const std::vector<std::string_view> texts = {"the cats", "", "the"};
  ASSERT_TRUE(tokenizer->Encode(texts, {}, scratch, batch).ok());
  ASSERT_TRUE(tokenizer->Encode(texts, {}, scratch, batch).ok());
  ASSERT_EQ(batch.size(), 6u);
  EXPECT_EQ(batch.truncated.size(), 6u);
  EXPECT_EQ(batch.ends.back(), static_cast<int32_t>(batch.ids.size()));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_THAT(batch[i], ElementsAreArray(Ids(*tokenizer, texts[i % 3])));
    EXPECT_EQ(batch.truncated[i], 0);
  }
  EXPECT_THAT(batch[1], ElementsAre(2, 3));
}

TEST(TokenizerTest, AnInvalidTextIsNamedAndNothingIsAppended) {
  const auto tokenizer = Load("byte_level");
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const std::vector<std::string_view> good = {"a"};
  ASSERT_TRUE(tokenizer->Encode(good, {}, scratch, batch).ok());
  const TokenBatch before = batch;
  const std::vector<std::string_view> bad = {"fine", "ab\xFF"};
  const absl::Status status = tokenizer->Encode(bad, {}, scratch, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("texts[1] is not valid UTF-8 at byte 2"));
  EXPECT_EQ(batch.ids, before.ids);
  EXPECT_EQ(batch.ends, before.ends);
  EXPECT_EQ(batch.truncated, before.truncated);
}

TEST(TokenizerTest, ALimitBelowTheSpecialTokensIsAnError) {
  const auto tokenizer = Load("word_piece_uncased");
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const std::vector<std::string_view> texts = {"the cats"};
  for (const int length : {1, -1}) {
    const absl::Status status = tokenizer->Encode(texts, {.max_length = length}, scratch, batch);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("max_length is " + std::to_string(length)));
  }
  ASSERT_TRUE(tokenizer->Encode(texts, {.max_length = 2}, scratch, batch).ok());
  EXPECT_THAT(batch.ids, ElementsAre(2, 3));
  EXPECT_EQ(batch.truncated[0], 1);
  ASSERT_TRUE(
      tokenizer->Encode(texts, {.max_length = 1, .add_special_tokens = false}, scratch, batch)
          .ok());
}

// Both sides, every limit: the whole text's ids, cut; the early stop must not show.
TEST(TokenizerTest, ALimitCutsTheWholeTextsIds) {
  for (const char* base : {"word_piece_uncased", "byte_level", "unigram"}) {
    const auto tokenizer = Load(base);
    for (const std::string& text : ManyTexts()) {
      const std::vector<int32_t> all = Ids(*tokenizer, text, {.add_special_tokens = false});
      for (const int limit : {1, 2, 3, 7}) {
        const auto keep = std::min(static_cast<std::size_t>(limit), all.size());
        TokenizeOptions options{.max_length = limit, .add_special_tokens = false};
        EXPECT_THAT(Ids(*tokenizer, text, options), ElementsAreArray(std::span(all).first(keep)));
        options.truncation_side = TruncationSide::kStart;
        EXPECT_THAT(Ids(*tokenizer, text, options), ElementsAreArray(std::span(all).last(keep)));
      }
    }
  }
}

TEST(TokenizerTest, OneScratchMayServeSeveralTokenizers) {
  const auto pieces = Load("word_piece_uncased");
  const auto bytes = Load("byte_level");
  Tokenizer::Scratch scratch;
  for (int round = 0; round < 3; ++round) {
    for (const auto* tokenizer : {pieces.get(), bytes.get()}) {
      const std::vector<std::string_view> texts = {"the cats sat"};
      TokenBatch batch;
      ASSERT_TRUE(tokenizer->Encode(texts, {}, scratch, batch).ok());
      EXPECT_EQ(batch.ids, Ids(*tokenizer, texts[0]));
    }
  }
}

TEST(TokenizerTest, AUsedScratchGivesWhatAFreshOneGives) {
  const std::vector<std::string> texts = ManyTexts();
  for (const char* base : {"word_piece_cased", "byte_level", "unigram"}) {
    const auto tokenizer = Load(base);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    Tokenizer::Scratch scratch;
    for (int round = 0; round < 2; ++round) {
      TokenBatch batch;
      ASSERT_TRUE(tokenizer->Encode(views, {}, scratch, batch).ok());
      for (std::size_t i = 0; i < texts.size(); ++i) {
        ASSERT_THAT(batch[i], ElementsAreArray(Ids(*tokenizer, texts[i])));
      }
    }
  }
}

TEST(TokenizerTest, ThreadsShareATokenizer) {
  const std::vector<std::string> texts = ManyTexts();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const char* base : {"word_piece_uncased", "byte_level", "unigram"}) {
    const auto tokenizer = Load(base);
    TokenBatch expected;
    Tokenizer::Scratch scratch;
    ASSERT_TRUE(tokenizer->Encode(views, {}, scratch, expected).ok());
    std::vector<TokenBatch> results(16);
    std::vector<std::thread> threads;
    for (TokenBatch& result : results) {
      threads.emplace_back([&] {
        Tokenizer::Scratch own;
        EXPECT_TRUE(tokenizer->Encode(views, {}, own, result).ok());
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const TokenBatch& result : results) EXPECT_EQ(result.ids, expected.ids);
  }
}

// Quadratic code would not end within the test's time limit.
TEST(TokenizerTest, AdversarialTextsEnd) {
  constexpr std::size_t kSize = 1000000;
  std::vector<std::string> texts = {std::string(kSize, 'a'), std::string(kSize, ' '),
                                    std::string(kSize, '\'')};
  std::string marks = "a";
  std::string masks;
  std::string spaced;
  for (std::size_t i = 0; i < 100000; ++i) {
    marks += i % 2 == 0 ? "\xCC\x81" : "\xF0\x9D\x85\xAD";  // U+0301, and U+1D16D, which stays
    masks += "<mask>";
    spaced += "<mask> \n ";
  }
  texts.insert(texts.end(), {marks, masks, spaced});
  for (const char* base : {"word_piece_uncased", "byte_level", "unigram"}) {
    const auto tokenizer = Load(base);
    for (const std::string& text : texts) EXPECT_GE(Ids(*tokenizer, text).size(), 2u);
  }
}

TEST(TokenizerTest, ACallTakesMoreBytesThanATextMayHave) {
  const auto tokenizer = Load("word_piece_uncased");
  const std::string word(std::size_t{1} << 20, 'a');  // one unknown word
  const std::vector<std::string_view> texts(40, word);
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const absl::Status status = tokenizer->Encode(texts, {}, scratch, batch);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(batch.ids.size(), 40u * 3);
}

TEST(TokenizerTest, ATextThatIsTooLongIsAnError) {
  const auto tokenizer = Load("word_piece_uncased");
  const std::string most(Tokenizer::kMaxTextBytes, 'a');
  const std::string more = most + "a";
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  ASSERT_TRUE(tokenizer->Encode(std::vector<std::string_view>{most}, {}, scratch, batch).ok());
  const TokenBatch before = batch;
  const absl::Status status =
      tokenizer->Encode(std::vector<std::string_view>{"the", more}, {}, scratch, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("texts[1] has 33554433 bytes; expected at most 33554432"));
  EXPECT_EQ(batch.ids, before.ids);
}

// Each step may lengthen a text 16 times; together they would make 268 million bytes of one.
TEST(TokenizerTest, ANormalFormThatIsTooLongIsAnError) {
  nlohmann::json steps = nlohmann::json::array();
  for (int i = 0; i < 7; ++i) {
    steps.push_back(
        {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(16, 'a')}});
  }
  const auto tokenizer = SmallTokenizer(
      "word_piece_uncased", {{"normalizer", {{"type", "Sequence"}, {"normalizers", steps}}}});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const absl::Status status =
      (*tokenizer)->Encode(std::vector<std::string_view>{"the", "cat"}, {}, scratch, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("texts[1]: the tokenizer's normalizer makes more than 134217728 bytes of "
                        "its 3; cut it"));
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_TRUE(batch.ids.empty());
}

TEST(TokenizerTest, SpecialTokensInATextCanBePlainText) {
  for (const auto& [base, mask] : {std::pair("word_piece_uncased", std::string("[MASK]")),
                                   std::pair("byte_level", std::string("<mask>"))}) {
    const auto tokenizer = Load(base);
    const int32_t id = Ids(*tokenizer, mask, {.add_special_tokens = false})[0];
    ASSERT_EQ(tokenizer->Token(id), mask);
    for (const std::string& text : {"a " + mask + " b", mask, "x" + mask + mask}) {
      EXPECT_THAT(Ids(*tokenizer, text), Contains(id));
      EXPECT_THAT(Ids(*tokenizer, text, {.split_special_tokens = true}), Not(Contains(id)));
    }
    // Those put round a text stay.
    EXPECT_EQ(Ids(*tokenizer, "", {.split_special_tokens = true}), Ids(*tokenizer, ""));
  }
}

TEST(TokenizerTest, PairsAreAppendedOneAfterTheOther) {
  const auto tokenizer = Load("byte_level");  // <s> A </s></s> B </s>
  Tokenizer::Scratch scratch;
  PairBatch batch;
  const std::vector<TextPair> pairs = {{"the cat", "sat"}, {"", ""}};
  ASSERT_TRUE(tokenizer->EncodePairs(pairs, {}, scratch, batch).ok());
  ASSERT_EQ(batch.tokens.size(), 2u);
  EXPECT_THAT(batch.tokens[1], ElementsAre(0, 2, 2, 2));
  EXPECT_EQ(batch.tokens[0].size(),
            Ids(*tokenizer, "the cat").size() + Ids(*tokenizer, "sat").size());
  EXPECT_EQ(batch.type_ids.size(), batch.tokens.ids.size());
  const std::size_t whole = batch.tokens.ids.size();
  ASSERT_TRUE(tokenizer->EncodePairs(pairs, {.add_special_tokens = false}, scratch, batch).ok());
  EXPECT_EQ(batch.tokens.size(), 4u);
  EXPECT_EQ(batch.tokens.ids.size(), whole + whole - 8);
}

TEST(TokenizerTest, APairThatIsRefusedLeavesTheBatchAsItWas) {
  const auto tokenizer = Load("word_piece_uncased", {{"post_processor", nullptr}});
  Tokenizer::Scratch scratch;
  PairBatch batch;
  const std::vector<TextPair> good = {{"the cats sat", "the"}};
  ASSERT_TRUE(tokenizer->EncodePairs(good, {}, scratch, batch).ok());
  const PairBatch before = batch;
  const auto message = [&](const std::vector<TextPair>& pairs, const TokenizeOptions& options) {
    const absl::Status status = tokenizer->EncodePairs(pairs, options, scratch, batch);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(batch.tokens.ids, before.tokens.ids);
    EXPECT_EQ(batch.tokens.ends, before.tokens.ends);
    EXPECT_EQ(batch.type_ids, before.type_ids);
    return std::string(status.message());
  };
  EXPECT_THAT(message({good[0], {"the", "a\xFF"}}, {}),
              HasSubstr("pairs[1].second is not valid UTF-8 at byte 1"));
  EXPECT_THAT(message(good, {.max_length = -1}), HasSubstr("max_length is -1"));
  const TokenizeOptions second = {.max_length = 1, .pair_truncation = PairTruncation::kOnlySecond};
  EXPECT_THAT(message({{"the", "the"}}, second),
              HasSubstr("pairs[0]: its texts have 1 and 1 tokens; to fit them into 1"));
}

TEST(TokenizerTest, NulIsACharacter) {
  using namespace std::string_view_literals;
  const auto tokenizer = Load("byte_level");
  EXPECT_EQ(Ids(*tokenizer, "a\0b"sv, {.add_special_tokens = false}).size(), 3u);
}

TEST(TokenizerTest, BehindOwnPathIsWhatAnErrorSaysOfTheOnlyText) {
  const auto tokenizer = SmallTokenizer("word_piece_uncased");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const std::string_view texts[] = {"a", "\xff"};
  const absl::Status one = (*tokenizer)->Encode(std::span(texts).last(1), {}, scratch, batch);
  EXPECT_EQ(BehindOwnPath(std::string(one.message())), " is not valid UTF-8 at byte 0");
  const absl::Status other = (*tokenizer)->Encode(texts, {}, scratch, batch);
  EXPECT_EQ(BehindOwnPath(std::string(other.message())), std::nullopt) << other;
  PairBatch pairs;
  const TextPair pair = {"a", "\xff"};
  const absl::Status second = (*tokenizer)->EncodePairs({&pair, 1}, {}, scratch, pairs);
  EXPECT_EQ(BehindOwnPath(std::string(second.message())), ".second is not valid UTF-8 at byte 0");
  EXPECT_EQ(BehindOwnPath("no text is named, not even texts[0]"), std::nullopt);
}

}  // namespace
}  // namespace embedserve
