#include "model/tokenizer/normalizer_chain.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

std::string Apply(const std::vector<TextStep>& steps, std::string_view text) {
  NormalizerChain::Buffers buffers;
  return std::string(NormalizerChain(steps).Apply(text, buffers).value());
}

TEST(NormalizerChainTest, WithoutStepsATextIsItself) {
  const std::string text = " a ";
  NormalizerChain::Buffers buffers;
  EXPECT_EQ(NormalizerChain({}).Apply(text, buffers)->data(), text.data());
}

TEST(NormalizerChainTest, StripTakesAllWhiteSpaceOfItsSides) {
  constexpr std::string_view kText =
      " \t\xE3\x80\x80"
      "a b\xC2\xA0\n";
  EXPECT_EQ(Apply({StripEnds{.left = true}}, kText), "a b\xC2\xA0\n");
  EXPECT_EQ(Apply({StripEnds{.right = true}}, kText),
            " \t\xE3\x80\x80"
            "a b");
  EXPECT_EQ(Apply({StripEnds{.left = true, .right = true}}, " \n "), "");
}

TEST(NormalizerChainTest, ReplaceTakesTheLeftmostFirst) {
  EXPECT_EQ(Apply({ReplaceText{.pattern = "aa", .content = "b"}}, "aaaxaa"), "baxb");
  EXPECT_EQ(Apply({ReplaceText{.pattern = "a", .content = "aa"}}, "aba"), "aabaa");
}

TEST(NormalizerChainTest, RunsOfSpacesBecomeOne) {
  const ReplaceText runs{.pattern = "  ", .extends = true, .content = "_"};
  EXPECT_EQ(Apply({runs}, "a  b c     d \t  "), "a_b c_d \t_");
}

TEST(NormalizerChainTest, PrependLeavesAnEmptyTextEmpty) {
  EXPECT_EQ(Apply({PrependText{"_"}}, "a"), "_a");
  EXPECT_EQ(Apply({PrependText{"_"}}, ""), "");
  EXPECT_EQ(Apply({StripEnds{.left = true}, PrependText{"_"}}, "  "), "");
}

// Without a limit these would be 16^12 bytes.
TEST(NormalizerChainTest, GrowthThatMultipliesIsStopped) {
  const std::vector<TextStep> steps(12,
                                    ReplaceText{.pattern = "a", .content = std::string(16, 'a')});
  NormalizerChain::Buffers buffers;
  EXPECT_FALSE(NormalizerChain(steps, true, 1000).Apply("a", buffers).has_value());
  for (const NormalizerChain::Buffers::Link& link : buffers.links) {
    EXPECT_LE(link.text.size(), 1300u);
  }
  EXPECT_TRUE(NormalizerChain(steps, true, 1000).Apply("b", buffers).has_value());
}

TEST(NormalizerChainTest, EveryStepThatGrowsIsStopped) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\uFDFA";  // 18 characters in NFKD
  NormalizerChain::Buffers buffers;
  EXPECT_EQ(Apply({NormalizerStep::Nfkd()}, text).size(), 3300u);
  EXPECT_FALSE(
      NormalizerChain({NormalizerStep::Nfkd()}, true, 3299).Apply(text, buffers).has_value());
  EXPECT_TRUE(
      NormalizerChain({NormalizerStep::Nfkd()}, true, 3300).Apply(text, buffers).has_value());
  // A later step of the same link that shortens it must not hide it.
  EXPECT_FALSE(NormalizerChain({NormalizerStep::Nfkd(), NormalizerStep::Nfkc()}, true, 3000)
                   .Apply(text, buffers)
                   .has_value());
  EXPECT_FALSE(NormalizerChain({PrependText{"xyz"}}, true, 301).Apply(text, buffers).has_value());
}

// A step that changes nothing hands on what the one before wrote.
TEST(NormalizerChainTest, StepsDoNotOverwriteTheirInput) {
  EXPECT_EQ(Apply({NormalizerStep::Lowercase(), StripEnds{.left = true},
                   ReplaceText{.pattern = "x", .content = ""}, NormalizerStep::Nfd(),
                   NormalizerStep::Lowercase()},
                  "  \xC3\x89TA"),
            "e\xCC\x81ta");
}

}  // namespace
}  // namespace embedserve
