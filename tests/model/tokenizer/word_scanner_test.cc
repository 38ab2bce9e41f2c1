// The scanners against the plain rules, on texts made to meet block and chunk edges.
#include "model/tokenizer/word_scanner.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "model/tokenizer/byte_level_pattern.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

using Words = std::vector<std::pair<std::size_t, std::size_t>>;

Words PlainByteLevel(std::string_view text) {
  Words words;
  for (std::size_t at = 0; at < text.size(); at = words.back().second) {
    words.emplace_back(at, ByteLevelWordEnd(text, at));
  }
  return words;
}

Words PlainBert(std::string_view text) {
  Words words;
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Scalar scalar = ScalarAt(text, at);
    const uint8_t divides = ClassOf(scalar.value) & (CharClass::kSpace | CharClass::kPunctuation);
    const std::size_t end = at + scalar.size;
    if (divides) {
      if (begin < at) words.emplace_back(begin, at);
      if (divides & CharClass::kPunctuation) words.emplace_back(at, end);
      begin = end;
    }
    at = end;
  }
  if (begin < at) words.emplace_back(begin, at);
  return words;
}

template <typename Scanner>
Words Scanned(SimdLevel level, std::string_view text) {
  PaddedText padded;
  Scanner scanner(level, padded.Assign(text));
  Words words;
  for (WordBounds bounds = scanner.Next(); bounds.count > 0; bounds = scanner.Next()) {
    for (std::size_t i = 0; i < bounds.count; ++i) {
      words.emplace_back(bounds.begins[i], bounds.ends[i]);
    }
  }
  return words;
}

void ExpectSameWords(std::string_view text) {
  for (const SimdLevel level : {SimdLevel::kScalar, BestSimdLevel()}) {
    ASSERT_EQ(Scanned<ByteLevelScanner>(level, text), PlainByteLevel(text)) << text;
    ASSERT_EQ(Scanned<BertScanner>(level, text), PlainBert(text)) << text;
  }
}

TEST(WordScannerTest, TheRulesOfWhiteSpaceAndContractions) {
  for (const char* text : {"",
                           "a",
                           " ",
                           "  ",
                           "a ",
                           "a  ",
                           "x're1",
                           "x'v3",
                           "x\n\n y",
                           "a \tb",
                           "a \t",
                           " 's",
                           "!'s",
                           "x''s",
                           "x\n's",
                           "I'LL",
                           "'s's",
                           "don't 'tis",
                           "it's'",
                           "a\u00a0\u00a0b",
                           "a\u3000\u3000",
                           "\u3000a",
                           "a \u2003b",
                           "caf\u00e9s",
                           "\u4e2d\u6587\u3002",
                           "a\u0301b",
                           "\u00b2x"}) {
    ExpectSameWords(text);
  }
}

// Every short tail of a text at every distance from a block's edge.
TEST(WordScannerTest, NothingDependsOnTheBlockEdge) {
  for (const char* tail : {"'s", "'re x", "'ll", "  b", " \t b", "\u3000b", "\u00a0\u3000 b",
                           "\u4e2d\u6587", "\u3002\u3002x", "!?", "\U0001F600 x", "\u2028's's"}) {
    for (const char* fill : {"a", " ", ".", "1"}) {
      for (std::size_t size = 56; size <= 66; ++size) {
        std::string text;
        while (text.size() < size) text += fill;
        ExpectSameWords(text + tail);
        ExpectSameWords(text + tail + text + tail);
      }
    }
  }
}

TEST(WordScannerTest, LongTextsAndWordsWithoutAnEnd) {
  for (const std::size_t size : {1023u, 1024u, 1025u, 2048u, 5000u}) {
    ExpectSameWords(std::string(size, 'a'));
    ExpectSameWords(std::string(size, ' '));
    ExpectSameWords(std::string(size, ' ') + "b");
    ExpectSameWords(std::string(size, '.'));
    std::string marks;
    while (marks.size() < size) marks += "\u0301";
    ExpectSameWords(marks);
  }
}

TEST(WordScannerTest, RandomTexts) {
  const std::vector<std::string> pieces = {
      "a",      "the",    "B2",     " ",      " ",          "  ",     "\t",     "\n",
      "'",      "'s",     "'ll",    "'re",    ".",          ",",      "\u00e9", "\u00a0",
      "\u3000", "\u2003", "\u4e2d", "\u0301", "\U0001F600", "\u0663", "\u2014", "\u0085"};
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const std::size_t count = random() % (round % 100 == 0 ? 1500 : 60);
    for (std::size_t i = 0; i < count; ++i) text += pieces[random() % pieces.size()];
    ExpectSameWords(text);
  }
}

}  // namespace
}  // namespace embedserve
