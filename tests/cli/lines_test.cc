#include "cli/lines.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string_view> Lines(std::string_view content) {
  const auto lines = SplitLines(content, "f");
  EXPECT_TRUE(lines.ok()) << lines.status();
  return lines.ok() ? *lines : std::vector<std::string_view>();
}

template <typename Result>
std::string Refused(const Result& result) {
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(result.status().message());
}

TEST(SplitLines, TheLastLineNeedsNoLineFeed) {
  EXPECT_THAT(Lines("a\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(Lines("a\nb"), ElementsAre("a", "b"));
}

TEST(SplitLines, AnEmptyLineIsAnEmptyText) {
  EXPECT_THAT(Lines("a\n\nb\n\n"), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(Lines("\n"), ElementsAre(""));
  EXPECT_THAT(Lines(""), IsEmpty());
}

TEST(SplitLines, OneCarriageReturnBeforeTheLineFeedIsDropped) {
  EXPECT_THAT(Lines("a\r\nb\r\r\nc\rd\n\r\n"), ElementsAre("a", "b\r", "c\rd", ""));
  EXPECT_THAT(Lines("a\r"), ElementsAre("a\r")) << "no line feed follows";
}

TEST(SplitLines, AByteOrderMarkIsDroppedAtTheStartOnly) {
  EXPECT_THAT(Lines("\xef\xbb\xbf"
                    "a\n\xef\xbb\xbf"
                    "b\n"),
              ElementsAre("a",
                          "\xef\xbb\xbf"
                          "b"));
  EXPECT_THAT(Lines("\xef\xbb\xbf"), IsEmpty());
}

TEST(SplitLines, NothingElseEndsALine) {
  // U+2028, U+2029, U+0085, VT, FF, FS.
  const std::string_view line = "a\u2028b\u2029c\u0085d\ve\ff\x1cg";
  EXPECT_THAT(Lines(line), ElementsAre(line));
}

TEST(SplitLines, KeepsNulTabsQuotesAndSpaces) {
  const std::string_view line(" \"a\"\t'b'\0 ", 10);
  EXPECT_THAT(Lines(line), ElementsAre(line));
}

TEST(SplitLines, InvalidUtf8IsNamedByLineAndByte) {
  EXPECT_THAT(Refused(SplitLines("fine\nab\xff\n", "f.txt")),
              AllOf(HasSubstr("f.txt: line 2: byte 3 (0xff)"), HasSubstr("UTF-8")));
  EXPECT_THAT(Refused(SplitLines("\xc3", "f")), HasSubstr("line 1: byte 1"));
  EXPECT_THAT(Refused(SplitLines("\xed\xa0\x80\n", "f")), HasSubstr("line 1: byte 1"))
      << "a lone surrogate";
}

TEST(SplitColumns, TabsSeparateAndQuotesAreOrdinary) {
  const auto cells = SplitColumns("1\t\"a\tb\"\r\n0\t\t\n", "f", 3);
  ASSERT_TRUE(cells.ok()) << cells.status();
  EXPECT_THAT(*cells, ElementsAre("1", "\"a", "b\"", "0", "", ""));
}

TEST(SplitColumns, AWrongNumberOfColumnsIsNamedByLine) {
  EXPECT_THAT(Refused(SplitColumns("a\tb\nc\n", "f", 2)),
              AllOf(HasSubstr("f: line 2: 1 columns"), HasSubstr("expected 2")));
  EXPECT_THAT(Refused(SplitColumns("a\tb\tc\n", "f", 2)), HasSubstr("line 1: 3 columns"));
  EXPECT_THAT(Refused(SplitColumns("a\tb\n\n", "f", 2)), HasSubstr("line 2: 1 columns"));
}

TEST(ParseJsonLines, AnyTextFitsOnALine) {
  const auto texts = ParseJsonLines("\"a\\nb\\tc\"\n  \"\\u00e9\\ud83d\\ude00\" \r\n\"\"\n", "f");
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_THAT(*texts, ElementsAre("a\nb\tc", "\u00e9\U0001F600", ""));
}

TEST(ParseJsonLines, EverythingButOneStringIsNamedByLine) {
  for (const std::string_view bad : {"", "a", "1", "null", "[\"a\"]", "\"a\" \"b\"", "\"a",
                                     "\"\\ud83d\"", "{\"text\": \"a\"}"}) {
    EXPECT_THAT(Refused(ParseJsonLines("\"ok\"\n" + std::string(bad) + "\n", "f")),
                HasSubstr("f: line 2: no JSON string"))
        << bad;
  }
}

TEST(ReadInput, ReadsFilesAndRefusesWhatIsNone) {
  const std::string path = ::testing::TempDir() + "lines_test_input";
  std::ofstream(path, std::ios::binary) << "a\r\nb";
  EXPECT_EQ(ReadInput(path).value(), "a\r\nb");
  std::ofstream(path, std::ios::trunc) << "";
  EXPECT_EQ(ReadInput(path).value(), "");
  std::filesystem::remove(path);
  EXPECT_THAT(std::string(ReadInput(path).status().message()),
              AllOf(HasSubstr(path), HasSubstr("No such file")));
  EXPECT_FALSE(ReadInput(::testing::TempDir()).ok()) << "a directory";
  EXPECT_EQ(InputName("-"), "standard input");
}

}  // namespace
}  // namespace embedserve
