#include "model/tokenizer/byte_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace embedserve {
namespace {

using Entries = std::vector<std::pair<std::string, int32_t>>;

TEST(ByteTrieTest, FindsTheLongestKeyThatATextBeginsWith) {
  const ByteTrie trie = ByteTrie::Build({{"a", 1}, {"ab", 2}, {"abcd", 3}, {"b", 4}});
  const auto longest = [&](std::string_view text) {
    const ByteTrie::Match match = trie.LongestPrefix(ByteTrie::kRoot, text);
    return std::pair(match.size, match.value);
  };
  EXPECT_EQ(longest("abcx"), std::pair(std::size_t{2}, 2));
  EXPECT_EQ(longest("abcde"), std::pair(std::size_t{4}, 3));
  EXPECT_EQ(longest("ac"), std::pair(std::size_t{1}, 1));
  EXPECT_EQ(longest("c"), std::pair(std::size_t{0}, ByteTrie::kNoValue));
  EXPECT_EQ(longest(""), std::pair(std::size_t{0}, ByteTrie::kNoValue));
}

TEST(ByteTrieTest, ASearchMayStartInsideAndAnEmptyKeyNeverMatches) {
  const ByteTrie trie = ByteTrie::Build({{"", 7}, {"##", 8}, {"##s", 9}});
  EXPECT_EQ(trie.value(ByteTrie::kRoot), 7);
  const ByteTrie::Node inside = trie.Walk("##");
  ASSERT_NE(inside, ByteTrie::kNowhere);
  EXPECT_EQ(trie.LongestPrefix(inside, "st").value, 9);
  EXPECT_EQ(trie.LongestPrefix(inside, "t").size, 0u);
  EXPECT_EQ(trie.Walk("#x"), ByteTrie::kNowhere);
}

TEST(ByteTrieTest, TheLastOfEqualKeysCounts) {
  EXPECT_EQ(ByteTrie::Build({{"x", 1}, {"x", 2}}).LongestPrefix(ByteTrie::kRoot, "x").value, 2);
}

TEST(ByteTrieTest, AnEmptySetHoldsNothing) {
  const ByteTrie trie = ByteTrie::Build({});
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(trie.Step(ByteTrie::kRoot, static_cast<unsigned char>(byte)), ByteTrie::kNowhere);
  }
}

TEST(ByteTrieTest, AgreesWithAMapOverRandomKeys) {
  std::mt19937 random(1);
  for (const unsigned alphabet : {2u, 5u, 256u}) {
    std::map<std::string, int32_t> map;
    for (int32_t i = 0; i < 5000; ++i) {
      std::string key(random() % 9, '\0');
      for (char& c : key) c = static_cast<char>(random() % alphabet);
      map[key] = i;
    }
    map[std::string(5000, '\1')] = 5000;
    const ByteTrie trie = ByteTrie::Build(Entries(map.begin(), map.end()));
    for (const auto& [key, value] : map) {
      const ByteTrie::Node node = trie.Walk(key);
      ASSERT_NE(node, ByteTrie::kNowhere);
      ASSERT_EQ(trie.value(node), value);
    }
    for (int i = 0; i < 20000; ++i) {
      std::string text(random() % 9, '\0');
      for (char& c : text) c = static_cast<char>(random() % alphabet);
      ByteTrie::Match expected;
      for (std::size_t size = 1; size <= text.size(); ++size) {
        const auto found = map.find(text.substr(0, size));
        if (found != map.end()) expected = {size, found->second};
      }
      const ByteTrie::Match match = trie.LongestPrefix(ByteTrie::kRoot, text);
      ASSERT_EQ(match.size, expected.size);
      ASSERT_EQ(match.value, expected.value);
    }
  }
}

}  // namespace
}  // namespace embedserve
