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

TEST(NormalizerTest, NfcJoinsWhatNothingOfItsClassBlocks) {
  const auto nfc = [](std::string_view text) { return Apply({NormalizerStep::Nfc()}, text); };
  EXPECT_EQ(nfc("e\u0301 \u00E9"), "\u00E9 \u00E9");
  EXPECT_EQ(nfc("o\u0302\u0323"), "\u1ED9");                    // in canonical order first
  EXPECT_EQ(nfc("a\u0323\u0327\u0301"), "\u1EA1\u0327\u0301");  // U+1EA1 has no acute
  EXPECT_EQ(nfc("e\u034F\u0301"), "e\u034F\u0301");             // class 0 between them
  EXPECT_EQ(nfc("\u09C7\u09BE"), "\u09CB");                     // two starters
  EXPECT_EQ(nfc("\u212B\u0344\u0958"), "\u00C5\u0308\u0301\u0915\u093C");  // never composed
  EXPECT_EQ(nfc("\u0301e"), "\u0301e");
  EXPECT_EQ(nfc("e\u0301\u0301\u0301"), "\u00E9\u0301\u0301");
}

TEST(NormalizerTest, NfcJoinsJamo) {
  const auto nfc = [](std::string_view text) { return Apply({NormalizerStep::Nfc()}, text); };
  EXPECT_EQ(nfc("\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(nfc("\uAC00\u11A8\u11A8"), "\uAC01\u11A8");
  EXPECT_EQ(nfc("\uAC00\u11A7"), "\uAC00\u11A7");  // before the first tail
  EXPECT_EQ(nfc("\u1113\u1161"), "\u1113\u1161");  // an old lead
}

TEST(NormalizerTest, CompatibilityFormsFallApart) {
  EXPECT_EQ(Apply({NormalizerStep::Nfkd()}, "\uFB01\u00BD\uFF21\u00E9"), "fi1\u20442Ae\u0301");
  EXPECT_EQ(Apply({NormalizerStep::Nfkc()}, "\uFB01\uFF76\uFF9E\u1E9B\u0323"), "fi\u30AC\u1E69");
  EXPECT_EQ(Apply({NormalizerStep::Nfkd()}, "\uFDFA").size(), 33u);
}

TEST(NormalizerTest, StripAccentsTakesMarksOfAllKinds) {
  EXPECT_EQ(Apply({NormalizerStep::StripAccents()}, "e\u0301\u0903\u20DD\u00E9"), "e\u00E9");
}

TEST(NormalizerTest, NmtDropsControlsAndBlanksSpaces) {
  EXPECT_EQ(Apply({NormalizerStep::Nmt()}, "a\u0001b\tc\u200B\uFEFFd\u00AD\u3000\u2581"),
            "ab c  d\u00AD\u3000 ");  // U+2581 too
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
  // One acute and one dot below join the a.
  EXPECT_EQ(Apply({NormalizerStep::Nfc()}, marks).size(), 3 + 2 * 99999u);
}

}  // namespace
}  // namespace embedserve
