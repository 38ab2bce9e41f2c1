#include "model/tokenizer/word_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The ids of a word, or {-1} if the table does not have it.
std::vector<int32_t> Find(const WordTable& table, const std::string& word) {
  std::vector<int32_t> out(WordTable::kMaxIds);
  const int32_t* end = table.Find(WordKey::Of(word), out.data());
  if (end == nullptr) return {-1};
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

TEST(WordTableTest, BothWaysToAKeyAgree) {
  const std::string text = "abcdefghijklmnopqrstuvwxyz0123456789";
  for (std::size_t size = 0; size <= WordKey::kMaxBytes; ++size) {
    for (std::size_t at = 0; at < 8; ++at) {
      EXPECT_EQ(WordKey::Padded(text.data() + at, size), WordKey::Of(text.substr(at, size)));
    }
  }
}

TEST(WordTableTest, WordsOfAnyBytesAreToldApart) {
  WordTable table;
  EXPECT_FALSE(table.allocated());
  table.Allocate(6);
  EXPECT_TRUE(table.allocated());
  EXPECT_THAT(Find(table, "a"), ElementsAre(-1));
  table.Put(WordKey::Of("a"), std::vector<int32_t>{1, 2, 3, WordTable::kIdLimit - 1});
  table.Put(WordKey::Of(std::string("a\0", 2)), std::vector<int32_t>{});
  EXPECT_THAT(Find(table, "a"), ElementsAre(1, 2, 3, WordTable::kIdLimit - 1));
  EXPECT_THAT(Find(table, std::string("a\0", 2)), IsEmpty());
  EXPECT_THAT(Find(table, std::string("a\0\0", 3)), ElementsAre(-1));
}

// Four words share two lines of two: the newest stay.
TEST(WordTableTest, AFullLineForgetsItsOldestWord) {
  WordTable table;
  table.Allocate(2);
  std::vector<std::string> words;
  for (int i = 0; i < 1000; ++i) {
    words.push_back(std::to_string(i));
    table.Put(WordKey::Of(words.back()), std::vector<int32_t>{i});
    ASSERT_THAT(Find(table, words.back()), ElementsAre(i));
    int known = 0;
    for (int j = 0; j <= i; ++j) {
      const std::vector<int32_t> found = Find(table, words[static_cast<std::size_t>(j)]);
      if (found == std::vector<int32_t>{-1}) continue;
      ASSERT_THAT(found, ElementsAre(j));
      ++known;
    }
    ASSERT_LE(known, 4);
  }
}

}  // namespace
}  // namespace embedserve
