#include "model/tokenizer/utf8.h"

#include <gtest/gtest.h>

#include <optional>

#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

TEST(Utf8Test, EveryScalarComesBack) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "a";
    AppendScalar(c, text);
    ASSERT_EQ(FirstInvalidUtf8(text), std::nullopt) << std::hex << static_cast<uint32_t>(c);
    const Scalar after = ScalarAt(text, 1);
    const Scalar before = ScalarBefore(text, text.size());
    ASSERT_EQ(after.value, c);
    ASSERT_EQ(after.size, text.size() - 1);
    ASSERT_EQ(before.value, c);
    ASSERT_EQ(before.size, text.size() - 1);
    ASSERT_EQ(CountScalars(text), 2u);
  }
}

TEST(Utf8Test, FirstInvalidByteIsNamed) {
  struct Case {
    std::string_view text;
    std::optional<std::size_t> offset;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"", std::nullopt},
      {"a\0b"sv, std::nullopt},
      {"h\xC3\xA9llo \xE4\xB8\xAD \xF0\x9F\x98\x80", std::nullopt},
      {"\x80", 0},               // a continuation byte alone
      {"ab\xC3", 2},             // cut off
      {"ab\xE4\xB8", 2},         // cut off
      {"ab\xF0\x9F\x98", 2},     // cut off
      {"ab\xC3(", 2},            // no continuation byte
      {"\xC0\xAF", 0},           // overlong
      {"\xE0\x80\xAF", 0},       // overlong
      {"\xF0\x80\x80\xAF", 0},   // overlong
      {"a\xED\xA0\x80", 1},      // a surrogate
      {"a\xF4\x90\x80\x80", 1},  // beyond U+10FFFF
      {"a\xF5\x80\x80\x80", 1},  // beyond U+10FFFF
      {"\xFE", 0},
      {"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\xFF", 7},
  };
  for (const Case& c : cases) EXPECT_EQ(FirstInvalidUtf8(c.text), c.offset) << c.text;
}

TEST(Utf8Test, AnInvalidByteIsFoundAnywhereInALongText) {
  const std::string good(300, 'x');
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = '\xFF';
    ASSERT_EQ(FirstInvalidUtf8(bad), at);
  }
}

}  // namespace
}  // namespace embedserve
