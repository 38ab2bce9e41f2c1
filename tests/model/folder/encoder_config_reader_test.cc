#include "model/folder/encoder_config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/folder/architectures.h"
#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<EncoderConfig> Read(const json& config,
                                   std::vector<std::string>* warnings = nullptr) {
  const auto file = JsonFile::Parse(config.dump(), "config.json");
  std::vector<std::string> ignored;
  return ReadEncoderConfig((*file)->root(), warnings != nullptr ? *warnings : ignored);
}

json With(json config, const json& changes) {
  config.update(changes);
  return config;
}

const json kSmallBert = {{"model_type", "bert"},     {"hidden_size", 48},
                         {"num_attention_heads", 6}, {"num_hidden_layers", 3},
                         {"intermediate_size", 64},  {"vocab_size", 100},
                         {"type_vocab_size", 3},     {"max_position_embeddings", 20},
                         {"layer_norm_eps", 1e-6},   {"hidden_act", "relu"},
                         {"pad_token_id", 4}};

TEST(EncoderConfigReaderTest, ReadsEveryKey) {
  const auto encoder = Read(kSmallBert);
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  EXPECT_EQ(encoder->model_type, "bert");
  EXPECT_EQ(encoder->hidden, 48);
  EXPECT_EQ(encoder->heads, 6);
  EXPECT_EQ(encoder->head_size, 8);
  EXPECT_EQ(encoder->layers, 3);
  EXPECT_EQ(encoder->feed_forward, 64);
  EXPECT_EQ(encoder->vocabulary, 100);
  EXPECT_EQ(encoder->token_types, 3);
  EXPECT_EQ(encoder->positions, 20);
  EXPECT_EQ(encoder->layer_norm_eps, 1e-6f);
  EXPECT_EQ(encoder->activation, Activation::kRelu);
  EXPECT_EQ(encoder->pad_id, 4);
  EXPECT_EQ(encoder->position_rule, PositionRule::kIndex);
  EXPECT_EQ(encoder->MaxSequenceLength(), 20);
}

TEST(EncoderConfigReaderTest, AbsentKeysTakeTheReferencesDefaults) {
  for (const Architecture& row : Architectures()) {
    const auto encoder = Read({{"model_type", row.model_type}});
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    const bool distil = row.model_type == "distilbert";
    const bool roberta = row.position_rule == PositionRule::kAfterPadding;
    EXPECT_EQ(encoder->hidden, 768);
    EXPECT_EQ(encoder->heads, 12);
    EXPECT_EQ(encoder->layers, distil ? 6 : 12);
    EXPECT_EQ(encoder->feed_forward, 3072);
    EXPECT_EQ(encoder->token_types, distil ? 0 : 2);
    EXPECT_EQ(encoder->positions, 512);
    EXPECT_EQ(encoder->layer_norm_eps, 1e-12f);
    EXPECT_EQ(encoder->activation, Activation::kGeluErf);
    EXPECT_EQ(encoder->pad_id, roberta ? 1 : 0);
    EXPECT_EQ(encoder->MaxSequenceLength(), roberta ? 510 : 512);
  }
}

TEST(EncoderConfigReaderTest, DistilBertHasNamesOfItsOwn) {
  const auto encoder = Read({{"model_type", "distilbert"},
                             {"dim", 24},
                             {"n_heads", 3},
                             {"n_layers", 1},
                             {"hidden_dim", 36},
                             {"activation", "relu"},
                             {"layer_norm_eps", 0.5},
                             {"vocab_size", 9}});
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  EXPECT_EQ(encoder->hidden, 24);
  EXPECT_EQ(encoder->heads, 3);
  EXPECT_EQ(encoder->layers, 1);
  EXPECT_EQ(encoder->feed_forward, 36);
  EXPECT_EQ(encoder->activation, Activation::kRelu);
  EXPECT_EQ(encoder->layer_norm_eps, 1e-12f);  // fixed in the family
}

TEST(EncoderConfigReaderTest, RobertaPositionsBeginBehindThePadId) {
  const json roberta =
      With(kSmallBert, {{"model_type", "roberta"}, {"max_position_embeddings", 514}});
  EXPECT_EQ(Read(With(roberta, {{"pad_token_id", 1}}))->MaxSequenceLength(), 512);
  EXPECT_EQ(Read(With(roberta, {{"pad_token_id", 3}}))->MaxSequenceLength(), 510);
  EXPECT_THAT(Read(With(roberta, {{"max_position_embeddings", 5}})),
              IsRefused("config.json: 5 positions leave none for text after pad_token_id 4"));
  EXPECT_THAT(Read(With(roberta, {{"pad_token_id", 100}})), IsRefused(HasSubstr("from 0 to 99")));
}

TEST(EncoderConfigReaderTest, ActivationsByTheReferencesNames) {
  const std::pair<const char*, Activation> cases[] = {{"gelu", Activation::kGeluErf},
                                                      {"gelu_new", Activation::kGeluTanh},
                                                      {"gelu_fast", Activation::kGeluTanh},
                                                      {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                                      {"quick_gelu", Activation::kQuickGelu},
                                                      {"relu", Activation::kRelu},
                                                      {"silu", Activation::kSilu},
                                                      {"swish", Activation::kSilu}};
  for (const auto& [name, activation] : cases) {
    EXPECT_EQ(Read(With(kSmallBert, {{"hidden_act", name}}))->activation, activation) << name;
  }
  EXPECT_THAT(Read(With(kSmallBert, {{"hidden_act", "mish"}})),
              IsRefused(AllOf(HasSubstr("config.json: hidden_act is \"mish\""),
                              HasSubstr("gelu_pytorch_tanh"))));
  EXPECT_THAT(Read(With(kSmallBert, {{"hidden_act", 3}})),
              IsRefused(HasSubstr("expected a string")));
}

TEST(EncoderConfigReaderTest, OtherFamiliesAreRefusedByName) {
  for (const char* type :
       {"mpnet", "electra", "albert", "modernbert", "t5", "xlm-roberta-xl", ""}) {
    EXPECT_THAT(Read({{"model_type", type}}),
                IsRefused(AllOf(HasSubstr(std::string("model_type is \"") + type + "\""),
                                HasSubstr("bert, camembert, distilbert, roberta, xlm-roberta"))));
  }
  EXPECT_THAT(Read(json::object()), IsRefused("config.json: model_type is missing, but needed"));
  EXPECT_THAT(Read(json::array()), IsRefused(HasSubstr("expected an object")));
}

TEST(EncoderConfigReaderTest, OtherComputationsAreRefused) {
  const std::pair<json, const char*> cases[] = {
      {{{"is_decoder", true}}, "is_decoder is true; decoders are not supported"},
      {{{"is_decoder", "no"}}, "is_decoder is \"no\"; expected true or false"},
      {{{"add_cross_attention", true}}, "add_cross_attention is true"},
      {{{"pruned_heads", {{"0", {1}}}}}, "pruned_heads"},
      {{{"pruned_heads", 1}}, "pruned_heads is 1"},
      {{{"position_embedding_type", "relative_key"}},
       "position_embedding_type is \"relative_key\""},
      {{{"position_embedding_type", "alibi"}}, "only \"absolute\" is supported"},
      {{{"quantization_config", {{"bits", 4}}}}, "quantization_config"}};
  for (const auto& [change, message] : cases) {
    EXPECT_THAT(Read(With(kSmallBert, change)), IsRefused(HasSubstr(message)));
  }
  EXPECT_TRUE(Read(With(kSmallBert, {{"is_decoder", false},
                                     {"add_cross_attention", false},
                                     {"pruned_heads", json::object()},
                                     {"position_embedding_type", "absolute"},
                                     {"quantization_config", nullptr}}))
                  .ok());
}

TEST(EncoderConfigReaderTest, SizesAreWithinBounds) {
  for (const char* key :
       {"hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size",
        "vocab_size", "type_vocab_size", "max_position_embeddings"}) {
    for (const json& bad : {json(0), json(-1), json(int64_t{1} << 40), json("12"), json(12.5)}) {
      EXPECT_THAT(Read(With(kSmallBert, {{key, bad}})),
                  IsRefused(HasSubstr(std::string(key) + " is " + bad.dump())));
    }
  }
  EXPECT_THAT(Read(With(kSmallBert, {{"num_attention_heads", 5}})),
              IsRefused("config.json: hidden_size is 48, which num_attention_heads = 5 does not "
                        "divide"));
  for (const json& bad : {json(-1e-5), json(1), json("1e-5")}) {
    EXPECT_THAT(Read(With(kSmallBert, {{"layer_norm_eps", bad}})),
                IsRefused(HasSubstr("layer_norm_eps is ")));
  }
}

TEST(EncoderConfigReaderTest, CustomCodeIsNamedAndNotRun) {
  std::vector<std::string> warnings;
  EXPECT_TRUE(Read(kSmallBert, &warnings).ok());
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_TRUE(Read(With(kSmallBert, {{"auto_map", {{"AutoModel", "x.Y"}}}}), &warnings).ok());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("config.json: auto_map names custom code")));
}

}  // namespace
}  // namespace embedserve
