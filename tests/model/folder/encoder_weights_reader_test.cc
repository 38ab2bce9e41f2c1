#include "model/folder/encoder_weights_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "model/folder/model_folder.h"
#include "tests/support/model_folder_builder.h"
#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Renames every tensor.
void Rename(TestTensors& tensors, const std::function<std::string(std::string)>& rename) {
  TestTensors renamed;
  for (auto& [name, tensor] : tensors) renamed[rename(name)] = std::move(tensor);
  tensors = std::move(renamed);
}

class EncoderWeightsReaderTest : public testing::TestWithParam<std::string_view> {
 protected:
  ModelFolderBuilder builder{GetParam()};
  TestTensors& tensors = builder.tensors["model.safetensors"];
  absl::StatusOr<ModelFolder> Read() { return ModelFolder::Read(builder.Write()); }
};

TEST_P(EncoderWeightsReaderTest, EachRoleGetsItsTensor) {
  const auto folder = Read();
  ASSERT_TRUE(folder.ok()) << folder.status();
  const bool distil = GetParam() == "distilbert";
  const auto expect = [&](const TensorView& view, const std::string& name) {
    EXPECT_EQ(view.name, name);
    EXPECT_EQ(view.ToFloat(), tensors[name].values) << name;
    EXPECT_EQ(view.shape, tensors[name].shape) << name;
  };
  const EncoderWeights& weights = folder->weights;
  expect(weights.word_embeddings, "embeddings.word_embeddings.weight");
  expect(weights.position_embeddings, "embeddings.position_embeddings.weight");
  EXPECT_EQ(weights.type_embeddings.has_value(), !distil);
  if (!distil) expect(*weights.type_embeddings, "embeddings.token_type_embeddings.weight");
  expect(weights.embedding_norm.weight, "embeddings.LayerNorm.weight");
  expect(weights.embedding_norm.bias, "embeddings.LayerNorm.bias");
  for (int i = 0; i < ModelFolderBuilder::kLayers; ++i) {
    const LayerWeights& layer = weights.layers[static_cast<std::size_t>(i)];
    const std::string prefix =
        (distil ? "transformer.layer." : "encoder.layer.") + std::to_string(i) + ".";
    const auto pair = [&](const auto& part, const char* bert, const char* distilbert) {
      expect(part.weight, prefix + (distil ? distilbert : bert) + ".weight");
      expect(part.bias, prefix + (distil ? distilbert : bert) + ".bias");
    };
    pair(layer.query, "attention.self.query", "attention.q_lin");
    pair(layer.key, "attention.self.key", "attention.k_lin");
    pair(layer.value, "attention.self.value", "attention.v_lin");
    pair(layer.attention_output, "attention.output.dense", "attention.out_lin");
    pair(layer.attention_norm, "attention.output.LayerNorm", "sa_layer_norm");
    pair(layer.intermediate, "intermediate.dense", "ffn.lin1");
    pair(layer.output, "output.dense", "ffn.lin2");
    pair(layer.output_norm, "output.LayerNorm", "output_layer_norm");
  }
}

TEST_P(EncoderWeightsReaderTest, TaskHeadCheckpointsHaveAPrefix) {
  const std::string prefix = GetParam() == "bert"         ? "bert."
                             : GetParam() == "distilbert" ? "distilbert."
                                                          : "roberta.";
  Rename(tensors, [&](const std::string& name) { return prefix + name; });
  tensors[prefix + "pooler.dense.weight"] = RandomTensor({4, 4}, 1);
  tensors["lm_head.bias"] = RandomTensor({4}, 1);
  tensors["cls.predictions.bias"] = RandomTensor({4}, 1);
  tensors["classifier.weight"] = RandomTensor({4}, 1);
  tensors["pre_classifier.weight"] = RandomTensor({4}, 1);
  tensors["vocab_projector.weight"] = RandomTensor({4}, 1);
  tensors["qa_outputs.weight"] = RandomTensor({4}, 1);
  const auto folder = Read();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->weights.word_embeddings.name, prefix + "embeddings.word_embeddings.weight");
}

TEST_P(EncoderWeightsReaderTest, EveryMissingTensorIsNamed) {
  const TestTensors all = tensors;
  for (const auto& [name, tensor] : all) {
    tensors = all;
    tensors.erase(name);
    EXPECT_THAT(Read(), IsRefused(AllOf(HasSubstr(name), HasSubstr("is missing"))));
  }
}

TEST_P(EncoderWeightsReaderTest, EveryWrongShapeIsNamed) {
  const TestTensors all = tensors;
  for (const auto& [name, tensor] : all) {
    tensors = all;
    tensors[name].shape.insert(tensors[name].shape.begin(), 1);
    EXPECT_THAT(Read(), IsRefused(AllOf(HasSubstr(name + " has shape [1, "),
                                        HasSubstr("by the configuration"))));
  }
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderWeightsReaderTest,
                         testing::Values("bert", "distilbert", "roberta", "xlm-roberta",
                                         "camembert"),
                         [](const auto& family) {
                           std::string name(family.param);
                           std::erase(name, '-');
                           return name;
                         });

class BertWeightsTest : public testing::Test {
 protected:
  ModelFolderBuilder builder{"bert"};
  TestTensors& tensors = builder.tensors["model.safetensors"];
  absl::StatusOr<ModelFolder> Read() { return ModelFolder::Read(builder.Write()); }
};

TEST_F(BertWeightsTest, EveryWeightTypeGivesTheSameValues) {
  const std::vector<float> expected = tensors["embeddings.word_embeddings.weight"].values;
  for (const auto& [name, type] : {std::pair{"F32", TensorType::kF32},
                                   {"F16", TensorType::kF16},
                                   {"BF16", TensorType::kBF16}}) {
    builder.SetWeightType(name);
    const auto folder = Read();
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_EQ(folder->weights.word_embeddings.type, type);
    EXPECT_EQ(folder->weights.word_embeddings.ToFloat(), expected);
  }
  tensors["embeddings.LayerNorm.weight"].dtype = "I8";
  tensors["embeddings.LayerNorm.weight"].shape = {16};
  EXPECT_THAT(Read(), IsRefused(HasSubstr("embeddings.LayerNorm.weight is of type I8")));
}

TEST_F(BertWeightsTest, OldLayerNormsAreGammaAndBeta) {
  Rename(tensors, [](std::string name) {
    for (const auto& [now, old] :
         {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}}) {
      const auto at = name.find(now);
      if (at != std::string::npos) name.replace(at, std::string::npos, old);
    }
    return name;
  });
  const auto folder = Read();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->weights.embedding_norm.weight.name, "embeddings.LayerNorm.gamma");
  EXPECT_EQ(folder->weights.layers[1].output_norm.bias.name,
            "encoder.layer.1.output.LayerNorm.beta");
}

TEST_F(BertWeightsTest, BuffersAndThePoolerAreIgnored) {
  tensors["embeddings.position_ids"] = {{8}, std::vector<float>(8), "U8"};
  tensors["pooler.dense.weight"] = RandomTensor({16, 16}, 9);
  tensors["pooler.dense.bias"] = RandomTensor({16}, 9);
  EXPECT_TRUE(Read().ok());
}

TEST_F(BertWeightsTest, UnknownTensorsAreRefused) {
  for (const char* name :
       {"encoder.layer.0.attention.self.distance_embedding.weight",
        "encoder.layer.2.output.dense.weight", "embeddings.LayerNorm.gamma", "linear.weight",
        "roberta.embeddings.word_embeddings.weight", "encoder.relative_attention_bias.weight"}) {
    ModelFolderBuilder other("bert");
    other.tensors["model.safetensors"][name] = RandomTensor({16}, 9);
    EXPECT_THAT(ModelFolder::Read(other.Write()), IsRefused(HasSubstr(name)));
  }
}

TEST_F(BertWeightsTest, TwoEncodersOrNoneAreRefused) {
  tensors["bert.embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"];
  EXPECT_THAT(Read(), IsRefused(HasSubstr("expected one encoder")));
  tensors = {{"wte.weight", RandomTensor({4}, 1)}};
  EXPECT_THAT(Read(), IsRefused(AllOf(HasSubstr("embeddings.word_embeddings.weight is missing"),
                                      HasSubstr("not the weights of a bert encoder"))));
}

TEST_F(BertWeightsTest, NonFiniteWeightsAreRefused) {
  tensors["encoder.layer.1.output.dense.bias"].values[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Read(),
              IsRefused(HasSubstr("element 3 of encoder.layer.1.output.dense.bias is nan")));
}

}  // namespace
}  // namespace embedserve
