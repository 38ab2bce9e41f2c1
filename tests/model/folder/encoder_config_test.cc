#include "model/folder/encoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

TEST(EncoderConfigTest, ActivationsHaveNames) {
  EXPECT_EQ(Name(Activation::kGeluErf), "gelu");
  EXPECT_EQ(Name(Activation::kGeluTanh), "gelu_tanh");
  EXPECT_EQ(Name(Activation::kQuickGelu), "quick_gelu");
  EXPECT_EQ(Name(Activation::kRelu), "relu");
  EXPECT_EQ(Name(Activation::kSilu), "silu");
  EXPECT_EQ(Name(Activation::kTanh), "tanh");
  EXPECT_EQ(Name(Activation::kSigmoid), "sigmoid");
  EXPECT_EQ(Name(Activation::kIdentity), "identity");
}

TEST(EncoderConfigTest, TheLongestSequenceDependsOnThePositionRule) {
  EncoderConfig config;
  config.positions = 514;
  config.pad_id = 1;
  EXPECT_EQ(config.MaxSequenceLength(), 514);
  config.position_rule = PositionRule::kAfterPadding;
  EXPECT_EQ(config.MaxSequenceLength(), 512);
  config.pad_id = 3;
  EXPECT_EQ(config.MaxSequenceLength(), 510);
}

}  // namespace
}  // namespace embedserve
