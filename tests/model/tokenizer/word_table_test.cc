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
  const int32_t* end = table.Find(WordKey::Of(word), WordKey::Of(word).Hash(), out.data());
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
  table.Allocate(6, 6);
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
  table.Allocate(2, 2);
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

TEST(WordTableTest, GrowingKeepsWordsIdsAndMarks) {
  WordTable table;
  table.Allocate(3, 12);
  const auto word = [](int i) { return WordKey::Of(std::to_string(i)); };
  for (int i = 0; i < 500; i += 2) {
    table.Put(word(i), std::vector<int32_t>(static_cast<std::size_t>(i % 5), i));
  }
  for (int i = 1; i < 500; i += 2) table.Mark(word(i));
  int known = 0;
  int marked = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<int32_t> found = Find(table, std::to_string(i));
    const bool mark = table.Marked(word(i), word(i).Hash());
    ASSERT_FALSE(mark && i % 2 == 0);
    marked += mark;
    if (found == std::vector<int32_t>{-1}) continue;
    ASSERT_EQ(found, std::vector<int32_t>(static_cast<std::size_t>(i % 5), i));
    ASSERT_EQ(i % 2, 0) << "a mark is no word";
    ++known;
  }
  EXPECT_GE(known, 170);  // of 250: a table of eight would hold eight
  EXPECT_GE(marked, 170);
}

}  // namespace
}  // namespace embedserve
