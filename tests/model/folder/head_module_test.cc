#include "model/folder/head_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/refusal_matcher.h"
#include "tests/support/safetensors_writer.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A module's two files in memory, as a chain of width 4 meets them.
struct Module {
  explicit Module(json config, TestTensors tensors = {})
      : config(std::move(config)), tensors(std::move(tensors)) {}

  absl::StatusOr<DenseModule> Dense() { return ReadDense(Config(), 4, Set()); }
  absl::StatusOr<LayerNormModule> LayerNorm() { return ReadLayerNorm(Config(), 4, Set()); }
  absl::Status Normalize() { return CheckNormalize(Config()); }
  absl::Status Dropout() { return CheckDropout(Config()); }

  json config;
  TestTensors tensors;

 private:
  JsonValue Config() {
    file = *JsonFile::Parse(config.dump(), "2_X/config.json");
    return file->root();
  }
  TensorSet& Set() {
    bytes = SafetensorsFile(tensors);
    set.emplace(*TensorFile::FromBytes(std::as_bytes(std::span(bytes)), "2_X/model.safetensors"));
    return *set;
  }
  std::unique_ptr<const JsonFile> file;
  std::string bytes;
  std::optional<TensorSet> set;
};

Module DenseFiles(int out) {
  return Module(
      {{"in_features", 4},
       {"out_features", out},
       {"bias", true},
       {"activation_function", "torch.nn.modules.activation.Tanh"}},
      {{"linear.weight", RandomTensor({out, 4}, 1)}, {"linear.bias", RandomTensor({out}, 2)}});
}

TEST(DenseTest, ReadsWeightsAndActivation) {
  Module files = DenseFiles(3);
  const auto dense = files.Dense();
  ASSERT_TRUE(dense.ok()) << dense.status();
  EXPECT_EQ(dense->in_features, 4);
  EXPECT_EQ(dense->out_features, 3);
  EXPECT_EQ(dense->activation, Activation::kTanh);
  EXPECT_EQ(dense->weight.ToFloat(), files.tensors["linear.weight"].values);
  EXPECT_EQ(dense->bias->ToFloat(), files.tensors["linear.bias"].values);
  EXPECT_FALSE(dense->use_residual);
  EXPECT_FALSE(dense->residual.has_value());
}

TEST(DenseTest, ActivationsByClassPath) {
  const std::pair<const char*, Activation> cases[] = {
      {"torch.nn.modules.linear.Identity", Activation::kIdentity},
      {"torch.nn.modules.activation.Tanh", Activation::kTanh},
      {"torch.nn.ReLU", Activation::kRelu},
      {"torch.nn.modules.activation.GELU", Activation::kGeluErf},
      {"torch.nn.modules.activation.SiLU", Activation::kSilu},
      {"torch.nn.modules.activation.Sigmoid", Activation::kSigmoid}};
  Module files = DenseFiles(3);
  for (const auto& [path, activation] : cases) {
    files.config["activation_function"] = path;
    EXPECT_EQ(files.Dense()->activation, activation) << path;
  }
  files.config.erase("activation_function");
  EXPECT_EQ(files.Dense()->activation, Activation::kTanh);
  files.config["activation_function"] = nullptr;
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("activation_function is null")));
  for (const char* path : {"torch.nn.modules.activation.Mish", "my.Tanh", "Tanh", "torchx.Tanh"}) {
    files.config["activation_function"] = path;
    EXPECT_THAT(files.Dense(),
                IsRefused(AllOf(HasSubstr(std::string("activation_function is \"") + path + "\""),
                                HasSubstr("Identity, Tanh, ReLU, GELU, SiLU, Sigmoid"))));
  }
}

TEST(DenseTest, BiasIsOptionalAndMustFit) {
  Module files = DenseFiles(3);
  files.config["bias"] = false;
  EXPECT_THAT(files.Dense(),
              IsRefused(HasSubstr("tensor linear.bias is not one of this module's")));
  files.tensors.erase("linear.bias");
  EXPECT_FALSE(files.Dense()->bias.has_value());
  files.config.erase("bias");  // true
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("tensor linear.bias is missing")));
}

TEST(DenseTest, ResidualIsAMatrixOnlyBetweenDifferentWidths) {
  Module same = DenseFiles(4);
  same.config["use_residual"] = true;
  const auto plain = same.Dense();
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_TRUE(plain->use_residual);
  EXPECT_FALSE(plain->residual.has_value());

  Module narrower = DenseFiles(3);
  narrower.config["use_residual"] = true;
  EXPECT_THAT(narrower.Dense(), IsRefused(HasSubstr("tensor residual.weight is missing")));
  narrower.tensors["residual.weight"] = RandomTensor({3, 4}, 3);
  EXPECT_EQ(narrower.Dense()->residual->ToFloat(), narrower.tensors["residual.weight"].values);
  narrower.config["use_residual"] = false;
  EXPECT_THAT(narrower.Dense(), IsRefused(HasSubstr("residual.weight is not one of this")));
}

TEST(DenseTest, WidthsMustMatch) {
  Module files = DenseFiles(3);
  files.config["in_features"] = 5;
  EXPECT_THAT(files.Dense(),
              IsRefused("2_X/config.json: in_features is 5; but the module before it "
                        "gives 4 values"));
  files.config["in_features"] = 4;
  files.config["out_features"] = 2;
  EXPECT_THAT(files.Dense(),
              IsRefused(HasSubstr("linear.weight has shape [3, 4], expected [2, 4]")));
  files.config["out_features"] = 0;
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("out_features is 0")));
}

TEST(DenseTest, OtherFeaturesAndKeysAreRefused) {
  Module files = DenseFiles(3);
  files.config["module_input_name"] = "sentence_embedding";
  EXPECT_TRUE(files.Dense().ok());
  files.config["module_input_name"] = "token_embeddings";
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("module_input_name is \"token_embeddings\"")));
  files.config.erase("module_input_name");
  files.config["module_output_name"] = "other";
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("module_output_name is \"other\"")));
  files.config.erase("module_output_name");
  files.config["dropout"] = 0.1;
  EXPECT_THAT(files.Dense(), IsRefused(HasSubstr("dropout is 0.1; unknown key")));
}

TEST(LayerNormTest, ReadsWeightsOfItsDimension) {
  Module files({{"dimension", 4}},
               {{"norm.weight", RandomTensor({4}, 1)}, {"norm.bias", RandomTensor({4}, 2)}});
  const auto norm = files.LayerNorm();
  ASSERT_TRUE(norm.ok()) << norm.status();
  EXPECT_EQ(norm->dimension, 4);
  EXPECT_EQ(norm->weight.ToFloat(), files.tensors["norm.weight"].values);
  EXPECT_EQ(norm->bias.ToFloat(), files.tensors["norm.bias"].values);

  files.tensors["norm.x"] = RandomTensor({4}, 3);
  EXPECT_THAT(files.LayerNorm(), IsRefused(HasSubstr("norm.x is not one of this module's")));
  files.tensors.erase("norm.x");
  files.tensors.erase("norm.bias");
  EXPECT_THAT(files.LayerNorm(), IsRefused(HasSubstr("tensor norm.bias is missing")));
  files.config["dimension"] = 5;
  EXPECT_THAT(files.LayerNorm(), IsRefused(HasSubstr("dimension is 5; but the module before it")));
  files.config["eps"] = 1e-6;
  EXPECT_THAT(files.LayerNorm(), IsRefused(HasSubstr("eps is 1e-06; unknown key")));
}

TEST(NormalizeTest, OnlyTheSentenceEmbedding) {
  EXPECT_TRUE(Module(json::object()).Normalize().ok());
  EXPECT_TRUE(Module(json{{"module_input_name", "sentence_embedding"}}).Normalize().ok());
  EXPECT_THAT(Module(json{{"module_input_name", "token_embeddings"}}).Normalize(),
              IsRefused(HasSubstr("only \"sentence_embedding\" is supported")));
  EXPECT_THAT(Module(json{{"p", 1}}).Normalize(), IsRefused(HasSubstr("p is 1; unknown key")));
}

TEST(DropoutTest, HasARateThatDoesNotMatter) {
  EXPECT_TRUE(Module(json{{"dropout", 0.3}}).Dropout().ok());
  EXPECT_THAT(Module(json{{"rate", 0.3}}).Dropout(), IsRefused(HasSubstr("unknown key")));
}

}  // namespace
}  // namespace embedserve
