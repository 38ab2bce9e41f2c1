// With the small map of testdata/unigram.json (small_tokenizers.py: CHARSMAP).
#include "model/tokenizer/charsmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tokenizer/unigram_json.h"
#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Charsmap> SmallMap() {
  const auto file = JsonFile::Parse(ReadTestdata("unigram.json").dump(), "unigram.json");
  const auto step = FindCharsmap((*file)->root());
  EXPECT_TRUE(step.ok()) << step.status();
  return std::get<ApplyCharsmap>(**step).map;
}

std::string Apply(std::string_view text) {
  std::string out;
  std::string applied(SmallMap()->Apply(text, out));
  EXPECT_EQ(applied, SmallMap()->ApplyPlainly(text, out));
  return applied;
}

TEST(CharsmapTest, ATextThatStaysIsNotCopied) {
  const std::string text = "plain \xD0\xB0\xE4\xB8\xAD";
  std::string out;
  EXPECT_EQ(SmallMap()->Apply(text, out).data(), text.data());
}

TEST(CharsmapTest, AShortClusterBecomesItsShortestEntry) {
  EXPECT_EQ(Apply("e\u0301x"), "\u00e9x");
  EXPECT_EQ(Apply("\uff21\u0301"), "A");  // the mark is lost
  EXPECT_EQ(Apply("\u2122\u0301!"), "TM!");
  EXPECT_EQ(Apply("a\r\nb"), "a b");
}

TEST(CharsmapTest, ALongClusterIsMappedByCharacter) {
  EXPECT_EQ(Apply("\U0001f600\u200d\u2122\u0301"), "\U0001f600\u200dTM\u0301");
  EXPECT_EQ(Apply("\u0915\u094d\u0958\u0301"), "\u0915\u094d\u0915\u093c\u0301");
}

TEST(CharsmapTest, MarksWithoutABaseAreAClusterOfTheirOwn) {
  EXPECT_EQ(Apply("\u0340\u0301"), "\u0300");
  EXPECT_EQ(Apply("a\u0340\u0301"), "a\u0300\u0301");  // no entry for "a": by character
}

TEST(CharsmapTest, EntriesMayVanishAndTextsGrow) {
  EXPECT_EQ(Apply("a\x01"
                  "b"),
            "ab");
  EXPECT_EQ(Apply("\x01"), "");
  EXPECT_EQ(Apply("\ufdfa"), "a b c");
}

TEST(CharsmapTest, NulStays) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Apply("a\0\t"sv), "a\0 "sv);
}

TEST(CharsmapTest, ClustersEndWhereTheLibraryEndsThem) {
  EXPECT_EQ(ClusterEnd("ab", 0), 1u);
  EXPECT_EQ(ClusterEnd("\r\n\u0301", 0), 2u);
  EXPECT_EQ(ClusterEnd("a\u0301\u0302 ", 0), 5u);
  EXPECT_EQ(ClusterEnd("\u0600a", 0), 3u);                       // joins rightwards
  EXPECT_EQ(ClusterEnd("\U0001f469\u200d\U0001f680a", 0), 11u);  // pictographs
  EXPECT_EQ(ClusterEnd("a\u200d\U0001f680", 0), 4u);             // a letter is none
  EXPECT_EQ(ClusterEnd("\u0915\u094d\u0937\u0915", 0), 9u);      // conjunct
}

TEST(CharsmapTest, BrokenMapsAreRefused) {
  using namespace std::string_literals;
  using namespace std::string_view_literals;
  const auto message = [](std::string_view blob) {
    const auto map = Charsmap::Parse(blob);
    EXPECT_FALSE(map.ok());
    return std::string(map.status().message());
  };
  EXPECT_THAT(message(""), HasSubstr("0 bytes"));
  EXPECT_THAT(message("\x08\0\0\0\0\0\0\0"sv), HasSubstr("does not hold its array"));
  EXPECT_THAT(message("\x04\0\0\0\0\0\0\0"sv), HasSubstr("beyond the 1 units"));
  EXPECT_THAT(message("\x04\0\0\0\0\0\0\0\xFF"sv), HasSubstr("not UTF-8"));
  // 256 units: "a" is an entry whose value lies beyond them.
  std::string blob = "\0\x04\0\0"s + std::string(4 * 256, '\0');
  blob.replace(4 + 4 * 'a', 4, "\x61\xFD\xFF\x7F"s);
  EXPECT_THAT(message(blob), HasSubstr("node 97 points beyond the 256 units"));
}

}  // namespace
}  // namespace embedserve
