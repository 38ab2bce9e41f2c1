#include "model/tokenizer/normalizer_chain.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

std::string Apply(const std::vector<TextStep>& steps, std::string_view text) {
  NormalizerChain::Buffers buffers;
  return std::string(NormalizerChain(steps).Apply(text, buffers));
}

TEST(NormalizerChainTest, WithoutStepsATextIsItself) {
  const std::string text = " a ";
  NormalizerChain::Buffers buffers;
  EXPECT_EQ(NormalizerChain({}).Apply(text, buffers).data(), text.data());
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
