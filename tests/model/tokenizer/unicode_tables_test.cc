// The generated tables against the counts of tokenizers.md 2.1, and single values that other
// versions of Unicode would give differently. unicode_tables_check compares all of them with the
// library.
#include "model/tokenizer/unicode_tables.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

std::size_t CountOf(uint8_t character_class) {
  std::size_t count = 0;
  for (char32_t c = 0; c < 0x110000; ++c) count += (ClassOf(c) & character_class) != 0;
  return count;
}

TEST(UnicodeTablesTest, ClassesHaveTheLibrarysSizes) {
  EXPECT_EQ(CountOf(CharClass::kLetter), 141028u);
  EXPECT_EQ(CountOf(CharClass::kNumber), 1911u);
  EXPECT_EQ(CountOf(CharClass::kSpace), 25u);
  EXPECT_EQ(CountOf(CharClass::kWord), 144667u);
  EXPECT_EQ(CountOf(CharClass::kPunctuation), 726u);
  EXPECT_EQ(CountOf(CharClass::kDropped), 137681u);
  EXPECT_EQ(CountOf(CharClass::kNonspacing), 1549u);
}

TEST(UnicodeTablesTest, DecompositionsCombiningClassesAndCasesHaveTheLibrarysSizes) {
  std::size_t decomposed = 0;
  std::size_t combining = 0;
  std::size_t lowered = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    decomposed += !Decomposition(c).empty();
    combining += CombiningClass(c) != 0;
    lowered += LowerCase(c) != c;
  }
  EXPECT_EQ(decomposed + (kLastHangulSyllable - kFirstHangulSyllable + 1), 13232u);
  EXPECT_EQ(combining, 810u);
  EXPECT_EQ(lowered + 1, 1488u);  // kCapitalDottedI is not in the table
}

TEST(UnicodeTablesTest, PunctuationIsAsOldAsTheLibrarys) {
  for (char32_t c = '!'; c <= '~'; ++c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    EXPECT_EQ((ClassOf(c) & CharClass::kPunctuation) != 0, !alphanumeric)
        << static_cast<uint32_t>(c);
  }
  EXPECT_TRUE(ClassOf(0x166D) & CharClass::kPunctuation);
  EXPECT_TRUE(ClassOf(0x111C9) & CharClass::kPunctuation);
  EXPECT_TRUE(ClassOf(0x2E42) & CharClass::kPunctuation);
  EXPECT_FALSE(ClassOf(0x2E43) & CharClass::kPunctuation);
}

TEST(UnicodeTablesTest, CjkRangesHaveTheLibrarysGap) {
  for (const char32_t c :
       {0x3400u, 0x4DBFu, 0x4E00u, 0x9FFFu, 0xF900u, 0x20000u, 0x2B81Fu, 0x2B920u}) {
    EXPECT_TRUE(ClassOf(c) & CharClass::kCjk) << std::hex << static_cast<uint32_t>(c);
  }
  for (const char32_t c : {0x3007u, 0x4DC0u, 0x2B820u, 0x2B91Fu, 0xAC00u, 0x3042u}) {
    EXPECT_FALSE(ClassOf(c) & CharClass::kCjk) << std::hex << static_cast<uint32_t>(c);
  }
}

TEST(UnicodeTablesTest, EveryCompositeIsFound) {
  std::size_t composites = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const std::u32string_view parts = Decomposition(c);
    if (parts.size() == 2) composites += Composite(parts[0], parts[1]) == c;
  }
  EXPECT_GT(composites, 600u);  // the others have more parts, or never come back
  for (std::size_t i = 0; i < kCompositions; ++i) {
    const auto first = static_cast<char32_t>(kCompositionPairs[i] >> 32);
    const auto second = static_cast<char32_t>(kCompositionPairs[i]);
    ASSERT_EQ(Composite(first, second), kComposites[i]);
  }
  EXPECT_EQ(Composite('a', 'b'), 0u);
  EXPECT_EQ(Composite(0x915, 0x93C), 0u);  // U+0958 is excluded
}

TEST(UnicodeTablesTest, SingleValues) {
  EXPECT_EQ(Decomposition(0xE9), U"e\u0301");
  EXPECT_EQ(Decomposition(0x1E9B), U"\u017F\u0307");
  EXPECT_EQ(Decomposition(0x0344), U"\u0308\u0301");
  EXPECT_TRUE(Decomposition('e').empty());
  EXPECT_EQ(CombiningClass(0x0301), 230);
  EXPECT_EQ(CombiningClass(0x0323), 220);
  EXPECT_EQ(CombiningClass(0x034F), 0);
  EXPECT_EQ(CombiningClass(0x1D165), 216);
  EXPECT_EQ(CombiningClass(0x1D16D), 226);
  EXPECT_EQ(LowerCase(0x03A3), char32_t{0x03C3});
  EXPECT_EQ(LowerCase(0x1E9E), char32_t{0x00DF});
  EXPECT_EQ(LowerCase(0x212A), char32_t{'k'});
  EXPECT_EQ(LowerCase(0x10FFFF), char32_t{0x10FFFF});
  EXPECT_EQ(CompatibilityDecomposition(0xFB01), U"fi");
  EXPECT_TRUE(CompatibilityDecomposition(0xE9).empty());
  EXPECT_EQ(Composite(0x1ECD, 0x302), char32_t{0x1ED9});
  EXPECT_EQ(ErasedBy(0x903), Erased::kMark);
  EXPECT_EQ(ErasedBy(0xFEFF), Erased::kNmtSpace);
  EXPECT_EQ(ErasedBy(1), Erased::kNmtDropped);
}

}  // namespace
}  // namespace embedserve
