#include "model/folder/pooling_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<PoolingConfig> Read(json config) {
  config.emplace("embedding_dimension", 8);
  const auto file = JsonFile::Parse(config.dump(), "1_Pooling/config.json");
  return ReadPoolingConfig((*file)->root(), 8);
}

std::vector<PoolingMode> Modes(const json& config) {
  const auto pooling = Read(config);
  EXPECT_TRUE(pooling.ok()) << pooling.status();
  return pooling.ok() ? pooling->modes : std::vector<PoolingMode>();
}

TEST(PoolingConfigTest, EveryModeByItsNewAndItsOldKey) {
  for (const PoolingMode mode : kAllPoolingModes) {
    EXPECT_THAT(Modes({{"pooling_mode", Name(mode)}}), ElementsAre(mode));
  }
  EXPECT_THAT(Modes({{"pooling_mode_cls_token", true}}), ElementsAre(PoolingMode::kCls));
  EXPECT_THAT(Modes({{"pooling_mode_max_tokens", true}}), ElementsAre(PoolingMode::kMax));
  EXPECT_THAT(Modes({{"pooling_mode_mean_tokens", true}}), ElementsAre(PoolingMode::kMean));
  EXPECT_THAT(Modes({{"pooling_mode_mean_sqrt_len_tokens", true}}),
              ElementsAre(PoolingMode::kMeanSqrtLen));
  EXPECT_THAT(Modes({{"pooling_mode_weightedmean_tokens", true}}),
              ElementsAre(PoolingMode::kWeightedMean));
  EXPECT_THAT(Modes({{"pooling_mode_lasttoken", true}}), ElementsAre(PoolingMode::kLastToken));
}

TEST(PoolingConfigTest, WithoutAModeItIsMean) {
  EXPECT_THAT(Modes(json::object()), ElementsAre(PoolingMode::kMean));
  EXPECT_THAT(Modes({{"pooling_mode_mean_tokens", false}, {"pooling_mode_cls_token", false}}),
              ElementsAre(PoolingMode::kMean));
}

TEST(PoolingConfigTest, SeveralModesConcatenate) {
  EXPECT_THAT(Modes({{"pooling_mode_lasttoken", true},
                     {"pooling_mode_mean_tokens", true},
                     {"pooling_mode_cls_token", true}}),
              ElementsAre(PoolingMode::kCls, PoolingMode::kMean, PoolingMode::kLastToken));
  EXPECT_THAT(Modes({{"pooling_mode", {"lasttoken", "cls", "cls"}}}),
              ElementsAre(PoolingMode::kLastToken, PoolingMode::kCls, PoolingMode::kCls));
}

TEST(PoolingConfigTest, TheNewKeyBeatsTheOldOnes) {
  EXPECT_THAT(Modes({{"pooling_mode", "max"}, {"pooling_mode_cls_token", true}}),
              ElementsAre(PoolingMode::kMax));
}

TEST(PoolingConfigTest, IncludePromptIsTrueUnlessSet) {
  EXPECT_TRUE(Read(json::object())->include_prompt);
  EXPECT_FALSE(Read({{"include_prompt", false}})->include_prompt);
  EXPECT_THAT(Read({{"include_prompt", 0}}), IsRefused(HasSubstr("expected true or false")));
}

TEST(PoolingConfigTest, RefusesUnknownModesAndKeys) {
  EXPECT_THAT(
      Read({{"pooling_mode", "attention"}}),
      IsRefused("1_Pooling/config.json: pooling_mode is \"attention\"; not a pooling mode; "
                "supported: cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken"));
  EXPECT_THAT(Read({{"pooling_mode", {"cls", "median"}}}),
              IsRefused(HasSubstr("pooling_mode[1] is \"median\"")));
  EXPECT_THAT(Read({{"pooling_mode", json::array()}}), IsRefused(HasSubstr("at least one")));
  EXPECT_THAT(Read({{"pooling_mode", std::vector<std::string>(65, "cls")}}),
              IsRefused(HasSubstr("at most 64")));
  EXPECT_THAT(Read({{"pooling_mode", 3}}), IsRefused(HasSubstr("expected a string")));
  EXPECT_THAT(Read({{"pooling_mode_cls_token", "yes"}}),
              IsRefused(HasSubstr("expected true or false")));
  EXPECT_THAT(Read({{"pooling_mode_median_tokens", false}}), IsRefused(HasSubstr("unknown key")));
}

TEST(PoolingConfigTest, NameJoinsTheModes) {
  EXPECT_EQ(Name(PoolingConfig{}), "mean");
  EXPECT_EQ(Name(PoolingConfig{.modes = {PoolingMode::kLastToken, PoolingMode::kCls}}),
            "lasttoken+cls");
}

TEST(PoolingConfigTest, TheDimensionIsTheEncoders) {
  const auto read = [](const json& config) {
    const auto file = JsonFile::Parse(config.dump(), "c.json");
    return ReadPoolingConfig((*file)->root(), 8);
  };
  EXPECT_TRUE(read({{"word_embedding_dimension", 8}}).ok());
  EXPECT_TRUE(read({{"word_embedding_dimension", 8}, {"embedding_dimension", 8}}).ok());
  EXPECT_THAT(read({{"embedding_dimension", 9}}),
              IsRefused("c.json: embedding_dimension is 9; expected the encoder's width, 8"));
  EXPECT_THAT(read({{"word_embedding_dimension", "8"}}), IsRefused(HasSubstr("is \"8\"")));
  EXPECT_THAT(read(json::object()), IsRefused(HasSubstr("embedding_dimension is missing")));
}

}  // namespace
}  // namespace embedserve
