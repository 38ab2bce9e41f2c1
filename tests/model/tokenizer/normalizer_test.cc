#include "model/tokenizer/normalizer.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

std::string Apply(const std::vector<NormalizerStep>& steps, std::string_view text) {
  Normalizer::Buffers buffers;
  return std::string(Normalizer(steps).Apply(text, buffers));
}
std::string Uncased(std::string_view text) {
  return Apply({NormalizerStep::Bert(true, true, true, true)}, text);
}
std::string Cased(std::string_view text) {
  return Apply({NormalizerStep::Bert(true, true, false, false)}, text);
}

TEST(NormalizerTest, NoStepLeavesTheTextItself) {
  Normalizer::Buffers buffers;
  const std::string_view text = "A\tB";
  EXPECT_EQ(Normalizer({}).Apply(text, buffers).data(), text.data());
  EXPECT_EQ(Normalizer({NormalizerStep()}).Apply(text, buffers).data(), text.data());
}

TEST(NormalizerTest, DroppingComesBeforeTheWhiteSpaceRule) {
  EXPECT_EQ(Cased("a\x0B"
                  "b\x0C"
                  "c\xC2\x85"
                  "d\x1C"
                  "e\xE2\x80\x8B"
                  "f\xE2\x80\x8D"
                  "g\xC2\xADh"),
            "abcdefgh");
  EXPECT_EQ(Cased("a\tb\nc\rd\xC2\xA0"
                  "e\xE3\x80\x80"
                  "f"),
            "a b c d e f");
  EXPECT_EQ(Cased(std::string_view("a\0b\xEF\xBF\xBD"
                                   "c",
                                   7)),
            "abc");
  EXPECT_EQ(Cased("a\xCD\xB8"
                  "b"),
            "a\xCD\xB8"
            "b");  // U+0378, unassigned, stays
}

TEST(NormalizerTest, CjkIsSpacedBeforeItDecomposes) {
  EXPECT_EQ(Cased("a\xE4\xB8\xAD"
                  "b"),
            "a \xE4\xB8\xAD b");
  EXPECT_EQ(Uncased("\xEF\xA4\x80"), " \xE8\xB1\x88 ");  // U+F900
  EXPECT_EQ(Uncased("a\xF0\xAB\xA0\xA0"
                    "b"),
            "a\xF0\xAB\xA0\xA0"
            "b");  // U+2B820, the gap
  EXPECT_EQ(Uncased("a\xF0\xAB\xA4\xA0"
                    "b"),
            "a \xF0\xAB\xA4\xA0 b");                   // U+2B920
  EXPECT_EQ(Uncased("\xE3\x80\x87"), "\xE3\x80\x87");  // U+3007
}

TEST(NormalizerTest, AccentsFallAfterDecomposition) {
  EXPECT_EQ(Uncased("\xC3\x89"
                    "A \xC3\xA9 e\xCC\x81"),
            "ea e e");
  EXPECT_EQ(Cased("\xC3\x89"), "\xC3\x89");
  EXPECT_EQ(Uncased("\xC4\xB0"), "i");  // U+0130 -> I U+0307 -> I -> i
}

TEST(NormalizerTest, MarksAreOrderedByClassBeforeTheyFall) {
  const std::string stem = "\xF0\x9D\x85\xA5";  // U+1D165, class 216, not Mn
  const std::string dot = "\xF0\x9D\x85\xAD";   // U+1D16D, class 226, not Mn
  const std::string joiner = "\xCD\x8F";        // U+034F, Mn of class 0
  EXPECT_EQ(Uncased(dot + stem), stem + dot);
  EXPECT_EQ(Uncased(dot + "\xCC\x81" + stem), stem + dot);  // U+0301 is Mn, but of class 230
  EXPECT_EQ(Uncased(dot + joiner + stem), dot + stem);
  EXPECT_EQ(Uncased("a" + dot + "b" + stem), "a" + dot + "b" + stem);
}

TEST(NormalizerTest, HangulBecomesJamo) {
  EXPECT_EQ(Uncased("\xED\x95\x9C"), "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB");  // three
  EXPECT_EQ(Uncased("\xEA\xB0\x80"), "\xE1\x84\x80\xE1\x85\xA1");              // two
}

TEST(NormalizerTest, LowerCaseIsPerCharacter) {
  EXPECT_EQ(Apply({NormalizerStep::Lowercase()}, "AB\xC4\xB0\xCE\x91\xCE\xA3"),
            "abi\xCC\x87\xCE\xB1\xCF\x83");  // no final sigma; U+0130 grows
}

TEST(NormalizerTest, StepsFollowEachOther) {
  EXPECT_EQ(Apply({NormalizerStep::Lowercase(), NormalizerStep::Nfd()}, "\xC3\x89"), "e\xCC\x81");
  EXPECT_EQ(Apply({NormalizerStep::Nfd(), NormalizerStep::Lowercase(),
                   NormalizerStep::Bert(true, true, true, false)},
                  "\xC3\x89\x0B"),
            "e");
}

TEST(NormalizerTest, LongRunsOfMarksStayInOrder) {
  std::string marks = "a";
  for (int i = 0; i < 100000; ++i) marks += i % 2 == 0 ? "\xCC\x81" : "\xCC\xA3";
  const std::string ordered = Apply({NormalizerStep::Nfd()}, marks);
  EXPECT_EQ(ordered.size(), marks.size());
  EXPECT_EQ(ordered.find("\xCC\x81"), 1u + 50000 * 2);  // class 220 first, then 230
  EXPECT_EQ(Uncased(marks), "a");
}

}  // namespace
}  // namespace embedserve
