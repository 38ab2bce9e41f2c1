#include "model/tokenizer/byte_level_bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

Vocabulary VocabularyOf(const std::vector<std::string>& tokens) {
  Vocabulary vocabulary;
  for (const std::string& token : tokens) {
    EXPECT_TRUE(vocabulary.Add(token, static_cast<int64_t>(vocabulary.count())).ok());
  }
  return vocabulary;
}

std::vector<int32_t> Encode(const ByteLevelBpe& model, std::string_view text,
                            std::size_t enough = kAll) {
  WordCache cache;
  cache.BelongTo({1});
  ByteLevelBpe::Buffers buffers;
  std::vector<int32_t> ids;
  model.Append(text, enough, cache, buffers, ids);
  return ids;
}

std::vector<int32_t> Encode(const std::vector<std::string>& tokens, const BpeMerges& merges,
                            const ByteLevelBpeOptions& options, std::string_view text) {
  const auto model = ByteLevelBpe::Build(VocabularyOf(tokens), merges, options);
  EXPECT_TRUE(model.ok()) << model.status();
  return Encode(*model, text);
}

TEST(ByteLevelBpeTest, TheLowestRankMergesFirstAndTheLeftmostOfEqualOnes) {
  const std::vector<std::string> tokens = {"a", "b", "c", "ab", "bc", "aa"};
  EXPECT_THAT(Encode(tokens, {{"b", "c"}, {"a", "b"}}, {}, "abc"), ElementsAre(0, 4));
  EXPECT_THAT(Encode(tokens, {{"a", "b"}, {"b", "c"}}, {}, "abc"), ElementsAre(3, 2));
  EXPECT_THAT(Encode(tokens, {{"a", "a"}}, {}, "aaaaa"), ElementsAre(5, 5, 0));
}

TEST(ByteLevelBpeTest, OfRepeatedMergesTheLastCounts) {
  EXPECT_THAT(Encode({"a", "b", "c", "ab", "bc"}, {{"a", "b"}, {"b", "c"}, {"a", "b"}}, {}, "abc"),
              ElementsAre(0, 4));
}

TEST(ByteLevelBpeTest, AMissingByteVanishesOrIsUnknown) {
  const std::vector<std::string> tokens = {"<unk>", "a"};
  EXPECT_THAT(Encode(tokens, {}, {}, "axxa"), ElementsAre(1, 1));
  EXPECT_THAT(Encode(tokens, {}, {.unk_token = "<unk>"}, "axxa"), ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(Encode(tokens, {}, {.fuse_unk = true, .unk_token = "<unk>"}, "axxa"),
              ElementsAre(1, 0, 1));
}

TEST(ByteLevelBpeTest, IgnoreMergesTakesWholeWordsOnly) {
  const std::string space = "\u0120";
  const std::vector<std::string> tokens = {"a", "b", "ab", space, space + "ab"};
  EXPECT_THAT(Encode(tokens, {}, {}, "ab ab"), ElementsAre(0, 1, 3, 0, 1));
  EXPECT_THAT(Encode(tokens, {}, {.ignore_merges = true}, "ab ab aba"),
              ElementsAre(2, 4, 3, 0, 1, 0));
}

TEST(ByteLevelBpeTest, APrefixSpaceIsAddedUnlessThereIsOne) {
  const std::vector<std::string> tokens = {"a", "\xC4\xA0", "\xC4\x8A"};  // space, newline
  EXPECT_THAT(Encode(tokens, {}, {.add_prefix_space = true}, "a"), ElementsAre(1, 0));
  EXPECT_THAT(Encode(tokens, {}, {.add_prefix_space = true}, " a"), ElementsAre(1, 0));
  EXPECT_THAT(Encode(tokens, {}, {.add_prefix_space = true}, "\na"), ElementsAre(1, 2, 0));
}

TEST(ByteLevelBpeTest, StopsBehindAWordWhenThereIsEnough) {
  const auto model = ByteLevelBpe::Build(VocabularyOf({"a", "\xC4\xA0"}), {}, {});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(Encode(*model, "aaa a a a a a", 3).size(), 5u);  // "aaa", " a"
}

TEST(ByteLevelBpeTest, NamesThatAreNotInTheVocabularyAreRefused) {
  const Vocabulary vocabulary = VocabularyOf({"a", "b"});
  const auto message = [&](const BpeMerges& merges, const ByteLevelBpeOptions& options) {
    return std::string(ByteLevelBpe::Build(vocabulary, merges, options).status().message());
  };
  EXPECT_THAT(message({{"a", "x"}}, {}), HasSubstr("merge 0 ('a' 'x'): 'x' is not in"));
  EXPECT_THAT(message({{"a", "b"}}, {}), HasSubstr("'ab' is not in the vocabulary"));
  EXPECT_THAT(message({}, {.unk_token = "<unk>"}), HasSubstr("unk_token: '<unk>'"));
}

// The definition, quadratic: merge the lowest rank, leftmost, until none applies.
std::vector<std::string> MergePlainly(
    std::string_view word, const std::map<std::pair<std::string, std::string>, int>& ranks) {
  std::vector<std::string> symbols;
  for (const char c : word) symbols.emplace_back(1, c);
  for (;;) {
    int best_rank = std::numeric_limits<int>::max();
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks.find({symbols[i], symbols[i + 1]});
      if (found != ranks.end() && found->second < best_rank) {
        best_rank = found->second;
        best = i;
      }
    }
    if (best_rank == std::numeric_limits<int>::max()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(ByteLevelBpeTest, WordsOfEveryLengthMergeByTheDefinition) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> tokens = {"a", "b", "c"};
    BpeMerges merges;
    std::map<std::pair<std::string, std::string>, int> ranks;
    for (int i = 0; i < 60; ++i) {
      const std::string left = tokens[random() % tokens.size()];
      const std::string right = tokens[random() % tokens.size()];
      if (left.size() + right.size() > 12 || ranks.contains({left, right})) continue;
      ranks[{left, right}] = static_cast<int>(merges.size());
      merges.emplace_back(left, right);
      if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end()) {
        tokens.push_back(left + right);
      }
    }
    const Vocabulary vocabulary = VocabularyOf(tokens);
    const auto model = ByteLevelBpe::Build(vocabulary, merges, {});
    ASSERT_TRUE(model.ok()) << model.status();
    for (std::size_t length = 1; length < 120; ++length) {  // both sides of the heap's threshold
      std::string word(length, 'a');
      for (char& c : word) c = "abc"[random() % 3];
      std::vector<int32_t> expected;
      for (const std::string& symbol : MergePlainly(word, ranks)) {
        expected.push_back(*vocabulary.Find(symbol));
      }
      ASSERT_EQ(Encode(*model, word), expected) << word;
    }
  }
}

}  // namespace
}  // namespace embedserve
