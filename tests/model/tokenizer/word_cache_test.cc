#include "model/tokenizer/word_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace embedserve {
namespace {

using ::testing::ElementsAre;

TEST(WordCacheTest, GivesBackWhatItWasGiven) {
  WordCache cache;
  cache.BelongTo({1});
  std::vector<int32_t> ids = {9};
  EXPECT_FALSE(cache.Append("word", ids));
  cache.Put("word", std::vector<int32_t>{1, 2, 3});
  EXPECT_TRUE(cache.Append("word", ids));
  EXPECT_THAT(ids, ElementsAre(9, 1, 2, 3));
  EXPECT_FALSE(cache.Append("words", ids));
  EXPECT_FALSE(cache.Append(std::string_view("word\0", 5), ids));
}

TEST(WordCacheTest, AWordWithoutIdsIsRememberedToo) {
  WordCache cache;
  cache.BelongTo({1});
  std::vector<int32_t> ids;
  cache.Put("x", {});
  EXPECT_TRUE(cache.Append("x", ids));
  EXPECT_TRUE(ids.empty());
}

TEST(WordCacheTest, LongWordsAndManyIdsAreNotKept) {
  WordCache cache;
  cache.BelongTo({1});
  std::vector<int32_t> ids;
  const std::string longest(WordCache::kMaxWord, 'x');
  cache.Put(longest, std::vector<int32_t>(WordCache::kMaxIds, 7));
  EXPECT_TRUE(cache.Append(longest, ids));
  EXPECT_EQ(ids.size(), WordCache::kMaxIds);
  cache.Put(longest + "x", std::vector<int32_t>{1});
  EXPECT_FALSE(cache.Append(longest + "x", ids));
  cache.Put("y", std::vector<int32_t>(WordCache::kMaxIds + 1, 7));
  EXPECT_FALSE(cache.Append("y", ids));
}

// Between them the tables grow to their full size.
TEST(WordCacheTest, ManyIdsOfShortWordsAndLongWordsOutliveTheTablesGrowth) {
  WordCache cache;
  cache.BelongTo({1});
  const auto word = [](int i) {
    return std::to_string(i) + (i % 3 == 0 ? std::string(20, '-') : "");
  };
  const auto ids_of = [](int i) {
    return std::vector<int32_t>(static_cast<std::size_t>(i % 3 == 1 ? 5 + i % 12 : 2), i);
  };
  for (int i = 0; i < 5000; ++i) cache.Put(word(i), ids_of(i));
  int known = 0;
  for (int i = 0; i < 5000; ++i) {
    std::vector<int32_t> ids;
    if (!cache.Append(word(i), ids)) continue;
    ASSERT_EQ(ids, ids_of(i)) << word(i);
    ++known;
  }
  EXPECT_GE(known, 3500);  // a long word that meets another gives way
  std::array<int32_t, WordTable::kMaxIds> out;
  const std::string padded = std::string("4").append(WordKey::kMaxBytes, ' ');
  EXPECT_EQ(cache.FindUsed(padded.data(), 1, out.data()), nullptr) << "nine ids are elsewhere";
}

TEST(WordCacheTest, AnotherTokenizerFindsNothing) {
  WordCache cache;
  cache.BelongTo({1});
  cache.Put("word", std::vector<int32_t>{1});
  std::vector<int32_t> ids;
  cache.BelongTo({1});
  EXPECT_TRUE(cache.Append("word", ids));
  cache.BelongTo({2});
  EXPECT_FALSE(cache.Append("word", ids));
}

TEST(WordCacheTest, CollisionsReplaceAndNeverConfuse) {
  WordCache cache;
  cache.BelongTo({1});
  const auto id_of = [](const std::string& word) {
    return static_cast<int32_t>(std::hash<std::string>()(word) & 0xFFFFFF);
  };
  std::mt19937 random(5);
  for (int i = 0; i < 100000; ++i) {
    std::string word(1 + random() % 4, '\0');
    for (char& c : word) c = static_cast<char>(random() % 32);
    std::vector<int32_t> ids;
    if (cache.Append(word, ids)) {
      ASSERT_THAT(ids, ElementsAre(id_of(word)));
    } else {
      cache.Put(word, std::vector<int32_t>{id_of(word)});
    }
  }
}

}  // namespace
}  // namespace embedserve
