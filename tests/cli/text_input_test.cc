#include "cli/text_input.h"

#include <fstream>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TextInputTest : public ::testing::Test {
 protected:
  std::string Write(std::string_view content) {
    const std::string path = directory_.path() / "input";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  TemporaryDirectory directory_;
};

// Short texts lie inside their std::string, where a move would leave views behind.
TEST_F(TextInputTest, TextsStayValidAcrossAMove) {
  auto read = TextInput::Read(Write("a\nb"), InputFormat::kLines);
  ASSERT_TRUE(read.ok()) << read.status();
  const TextInput lines = *std::move(read);
  EXPECT_THAT(lines.texts(), ElementsAre("a", "b"));
  read = TextInput::Read(Write("\"a\"\n\"b\"\n\"c\""), InputFormat::kJsonl);
  ASSERT_TRUE(read.ok()) << read.status();
  const TextInput parsed = *std::move(read);
  EXPECT_THAT(parsed.texts(), ElementsAre("a", "b", "c"));
}

TEST_F(TextInputTest, ErrorsNameTheFile) {
  const std::string path = Write("not json");
  const auto read = TextInput::Read(path, InputFormat::kJsonl);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr(path + ": line 1"));
}

TEST_F(TextInputTest, TablesByColumn) {
  auto read = TableInput::Read(Write("1\ta\tb\n0\tc\t"), 3);
  ASSERT_TRUE(read.ok()) << read.status();
  const TableInput table = *std::move(read);
  EXPECT_EQ(table.rows(), 2U);
  EXPECT_THAT(table.Column(0), ElementsAre("1", "0"));
  EXPECT_THAT(table.Column(2), ElementsAre("b", ""));
}

TEST_F(TextInputTest, AnEmptyTableHasNoRows) {
  const auto read = TableInput::Read(Write(""), 2);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rows(), 0U);
}

}  // namespace
}  // namespace embedserve
