#include "model/tokenizer/vocabulary_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(VocabularyFilesTest, AVocabularyLineLosesTheWhiteSpaceAtItsEnd) {
  const auto vocabulary =
      ParseVocabularyText("[UNK]\r\n a\t \xE3\x80\x80\n\nb b\nlast", "vocab.txt");
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  EXPECT_EQ(vocabulary->count(), 5u);
  EXPECT_EQ(vocabulary->Find("[UNK]"), 0);
  EXPECT_EQ(vocabulary->Find(" a"), 1);
  EXPECT_EQ(vocabulary->Find(""), 2);
  EXPECT_EQ(vocabulary->Find("b b"), 3);
  EXPECT_EQ(vocabulary->Find("last"), 4);
}

TEST(VocabularyFilesTest, TheLastOfEqualLinesCounts) {
  const auto vocabulary = ParseVocabularyText("a\nb\na\n", "vocab.txt");
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status();
  EXPECT_EQ(vocabulary->Find("a"), 2);
  EXPECT_EQ(vocabulary->count(), 2u);
  EXPECT_EQ(vocabulary->limit(), 3);
}

TEST(VocabularyFilesTest, BrokenVocabulariesAreRefused) {
  EXPECT_THAT(std::string(ParseVocabularyText("", "vocab.txt").status().message()),
              HasSubstr("vocab.txt: is empty"));
  EXPECT_THAT(std::string(ParseVocabularyText("a\nb\xFF\n", "vocab.txt").status().message()),
              HasSubstr("vocab.txt: not valid UTF-8 at byte 3"));
  const TemporaryDirectory directory;
  EXPECT_THAT(std::string(ReadVocabularyText(directory.path() / "vocab.txt").status().message()),
              HasSubstr("vocab.txt"));
}

TEST(VocabularyFilesTest, VersionLinesCountNoRank) {
  const auto merges = ParseMergesText("#version: 0.2\na b\r\n#version x\nab c\n# d", "merges.txt");
  ASSERT_TRUE(merges.ok()) << merges.status();
  EXPECT_THAT(*merges, ElementsAre(Pair("a", "b"), Pair("ab", "c"), Pair("#", "d")));
}

TEST(VocabularyFilesTest, AMergeIsTwoTokensAndOneSpace) {
  for (const std::string_view line : {"ab", "a b c", "a  b", "", "a\tb"}) {
    const auto merges = ParseMergesText("a b\n" + std::string(line) + "\n", "merges.txt");
    EXPECT_THAT(std::string(merges.status().message()),
                HasSubstr("merges.txt: line 2 is '" + std::string(line) + "'"));
  }
}

}  // namespace
}  // namespace embedserve
