#include "model/folder/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/model_folder_builder.h"
#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

absl::StatusOr<ModelFolder> Read(ModelFolderBuilder& builder) {
  return ModelFolder::Read(builder.Write());
}

TEST(ModelFolderTest, ReadsEveryFamily) {
  for (const std::string_view type :
       {"bert", "camembert", "distilbert", "roberta", "xlm-roberta"}) {
    ModelFolderBuilder builder(type);
    const fs::path path = builder.Write();
    const auto folder = ModelFolder::Read(path);
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_EQ(folder->directory, path);
    EXPECT_EQ(folder->transformer, path);
    EXPECT_EQ(folder->encoder.model_type, type);
    EXPECT_EQ(folder->weights.layers.size(), std::size_t{ModelFolderBuilder::kLayers});
    EXPECT_THAT(folder->pooling.modes, ElementsAre(PoolingMode::kMean));
    EXPECT_THAT(folder->head, IsEmpty());
    EXPECT_FALSE(folder->normalizes);
    EXPECT_EQ(folder->dimensions, ModelFolderBuilder::kHidden);
    EXPECT_EQ(folder->max_sequence_length, ModelFolderBuilder::kMaxTokens);
    EXPECT_THAT(folder->prompts, ElementsAre(Pair("document", ""), Pair("query", "")));
    EXPECT_THAT(folder->warnings, IsEmpty());
    EXPECT_EQ(folder->files.size(), 1u);
    EXPECT_EQ(folder->content_hash.size(), 64u);
  }
}

TEST(ModelFolderTest, ReadsTheWholeChain) {
  ModelFolderBuilder builder;
  builder.json["1_Pooling/config.json"] = {
      {"embedding_dimension", 16}, {"pooling_mode", {"cls", "max"}}, {"include_prompt", false}};
  builder.AddNormalize();
  builder.AddDense(32, 8);
  builder.AddLayerNorm(8);
  builder.AddNormalize();
  builder.json["config_sentence_transformers.json"] = {{"prompts", {{"query", "Q: "}}},
                                                       {"default_prompt_name", "query"},
                                                       {"similarity_fn_name", "euclidean"},
                                                       {"truncate_dim", 8}};
  builder.json["sentence_bert_config.json"] = {{"max_seq_length", 20}, {"do_lower_case", true}};
  const auto folder = Read(builder);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_THAT(folder->pooling.modes, ElementsAre(PoolingMode::kCls, PoolingMode::kMax));
  EXPECT_FALSE(folder->pooling.include_prompt);
  ASSERT_EQ(folder->head.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<NormalizeModule>(folder->head[0]));
  EXPECT_EQ(std::get<DenseModule>(folder->head[1]).weight.ToFloat(),
            builder.tensors["3_Dense/model.safetensors"]["linear.weight"].values);
  EXPECT_EQ(std::get<LayerNormModule>(folder->head[2]).dimension, 8);
  EXPECT_TRUE(folder->normalizes);
  EXPECT_EQ(folder->dimensions, 8);
  EXPECT_EQ(folder->files.size(), 3u);
  EXPECT_EQ(folder->max_sequence_length, 20);
  EXPECT_TRUE(folder->do_lower_case);
  EXPECT_EQ(folder->prompts.at("query"), "Q: ");
  EXPECT_EQ(folder->default_prompt_name, "query");
  EXPECT_EQ(folder->similarity_function, SimilarityFunction::kEuclidean);
  EXPECT_EQ(folder->truncate_dim, 8);
}

TEST(ModelFolderTest, OldFoldersKeepTheTransformerInAFolderOfItsOwn) {
  ModelFolderBuilder builder;
  const fs::path root = builder.Write();
  fs::create_directory(root / "0_Transformer");
  for (const char* name : {"config.json", "model.safetensors", "sentence_bert_config.json",
                           "tokenizer.json", "tokenizer_config.json", "vocab.txt"}) {
    fs::rename(root / name, root / "0_Transformer" / name);
  }
  builder.json["modules.json"][0]["path"] = "0_Transformer";
  std::ofstream(root / "modules.json") << builder.json["modules.json"];
  // The old name of the module's own file, beside an empty new one.
  fs::rename(root / "0_Transformer/sentence_bert_config.json",
             root / "0_Transformer/sentence_distilbert_config.json");
  std::ofstream(root / "0_Transformer/sentence_bert_config.json") << "{}";
  std::ofstream(root / "0_Transformer/sentence_distilbert_config.json")
      << R"({"max_seq_length": 7})";
  const auto folder = ModelFolder::Read(root);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->transformer, root / "0_Transformer");
  EXPECT_EQ(folder->max_sequence_length, 7);
}

TEST(ModelFolderTest, WithoutModulesItIsMeanPoolingWithAWarning) {
  ModelFolderBuilder builder("roberta");
  builder.AddNormalize();
  builder.json.erase("modules.json");
  builder.json["config_sentence_transformers.json"]["prompts"] = {{"query", "Q: "}};
  builder.json["sentence_bert_config.json"] = {{"max_seq_length", 5}, {"do_lower_case", true}};
  builder.json["tokenizer_config.json"]["model_max_length"] = 11;
  auto folder = Read(builder);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_THAT(folder->pooling.modes, ElementsAre(PoolingMode::kMean));
  EXPECT_FALSE(folder->normalizes);
  EXPECT_FALSE(folder->do_lower_case);
  EXPECT_EQ(folder->max_sequence_length, 11);
  EXPECT_THAT(folder->prompts, ElementsAre(Pair("document", ""), Pair("query", "")));
  EXPECT_THAT(folder->warnings,
              ElementsAre(AllOf(HasSubstr("no modules.json"), HasSubstr("mean"))));

  builder.json["config.json"]["architectures"] = {"RobertaForCausalLM"};
  EXPECT_THAT(Read(builder)->pooling.modes, ElementsAre(PoolingMode::kLastToken));
  builder.json["config.json"]["is_causal"] = false;
  EXPECT_THAT(Read(builder)->pooling.modes, ElementsAre(PoolingMode::kMean));
}

TEST(ModelFolderTest, TheLimitFallsBackToTokenizerAndPositions) {
  ModelFolderBuilder builder("roberta");
  builder.json["sentence_bert_config.json"] = json::object();
  builder.json["tokenizer_config.json"]["model_max_length"] = 9;
  EXPECT_EQ(Read(builder)->max_sequence_length, 9);
  builder.json["tokenizer_config.json"]["model_max_length"] = 1e30;
  const auto capped = Read(builder);
  EXPECT_EQ(capped->max_sequence_length, ModelFolderBuilder::kMaxTokens);
  EXPECT_THAT(capped->warnings, ElementsAre(HasSubstr("cut to 32")));
}

TEST(ModelFolderTest, ShardsGiveTheSameWeights) {
  ModelFolderBuilder builder;
  const TestTensors all = builder.tensors["model.safetensors"];
  json weight_map;
  int next = 0;
  for (const auto& [name, tensor] : all) {
    const std::string shard = "model-" + std::to_string(next++ % 3) + ".safetensors";
    builder.tensors[shard][name] = tensor;
    weight_map[name] = shard;
  }
  builder.tensors.erase("model.safetensors");
  builder.json["model.safetensors.index.json"] = {{"metadata", {{"total_size", 1}}},
                                                  {"weight_map", weight_map}};
  const auto folder = Read(builder);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->files.size(), 3u);
  EXPECT_EQ(folder->weights.layers[1].value.weight.ToFloat(),
            all.at("encoder.layer.1.attention.self.value.weight").values);
}

TEST(ModelFolderTest, TheHashFollowsContentNotPlace) {
  ModelFolderBuilder first;
  ModelFolderBuilder same;
  const fs::path path = first.Write();
  const std::string hash = ModelFolder::Read(path)->content_hash;
  EXPECT_EQ(Read(same)->content_hash, hash);
  EXPECT_EQ(ModelFolder::Read(path / "")->content_hash, hash);
  EXPECT_EQ(ModelFolder::Read(path.parent_path() / "." / path.filename())->content_hash, hash);

  same.text["README.md"] = "not part of the model";
  EXPECT_EQ(Read(same)->content_hash, hash);
  same.json["1_Pooling/config.json"]["pooling_mode_cls_token"] = true;
  EXPECT_NE(Read(same)->content_hash, hash);
  ModelFolderBuilder other_words;
  other_words.text["vocab.txt"] += "more\n";
  EXPECT_NE(Read(other_words)->content_hash, hash);
  ModelFolderBuilder other_weights("bert", 2);
  EXPECT_NE(Read(other_weights)->content_hash, hash);
}

TEST(ModelFolderTest, RepeatedKeysAreWarnedOf) {
  ModelFolderBuilder builder;
  builder.text["sentence_bert_config.json"] = R"({"max_seq_length": 3, "max_seq_length": 6})";
  const auto folder = Read(builder);
  EXPECT_EQ(folder->max_sequence_length, 6);
  EXPECT_THAT(folder->warnings, ElementsAre(HasSubstr("key \"max_seq_length\" is given twice")));
}

TEST(ModelFolderTest, WhatIsNoModelFolderIsRefused) {
  const TemporaryDirectory temporary;
  const fs::path root = temporary.path();
  EXPECT_THAT(ModelFolder::Read(root / "absent"),
              IsRefused((root / "absent").string() + ": no such folder"));
  EXPECT_THAT(ModelFolder::Read(root), IsRefused(HasSubstr("is empty; expected the folder of")));
  std::ofstream(root / "file") << "x";
  EXPECT_THAT(ModelFolder::Read(root / "file"),
              IsRefused(HasSubstr("is a file; expected the folder")));
  EXPECT_THAT(ModelFolder::Read(root),
              IsRefused(HasSubstr("holds neither modules.json nor config.json")));
  fs::create_directories(root / "snapshots" / "0123abc");
  EXPECT_THAT(ModelFolder::Read(root), IsRefused(HasSubstr("snapshots/0123abc")));
  fs::create_symlink(root / "gone", root / "link");
  EXPECT_THAT(ModelFolder::Read(root / "link"), IsRefused(HasSubstr("leads nowhere")));
}

TEST(ModelFolderTest, EveryNeededFileIsMissedByName) {
  for (const char* name : {"config.json", "1_Pooling/config.json", "model.safetensors",
                           "2_Dense/config.json", "2_Dense/model.safetensors"}) {
    ModelFolderBuilder builder;
    builder.AddDense(16, 8);
    const fs::path path = builder.Write();
    fs::remove(path / name);
    EXPECT_THAT(ModelFolder::Read(path),
                IsRefused(HasSubstr((path / name).string() + ": no such")));
    std::ofstream(path / name).close();
    EXPECT_THAT(ModelFolder::Read(path),
                IsRefused(HasSubstr((path / name).string() + ": is empty")));
  }
}

TEST(ModelFolderTest, DanglingLinksAreNotAbsentFiles) {
  for (const char* name : {"modules.json", "config.json", "sentence_bert_config.json",
                           "config_sentence_transformers.json", "model.safetensors",
                           "tokenizer_config.json", "vocab.txt"}) {
    ModelFolderBuilder builder;
    const fs::path path = builder.Write();
    fs::remove(path / name);
    fs::create_symlink("../../blobs/0123", path / name);
    EXPECT_THAT(ModelFolder::Read(path),
                IsRefused(AllOf(HasSubstr((path / name).string()), HasSubstr("leads nowhere"))));
  }
}

TEST(ModelFolderTest, ALinkIntoABlobStoreIsFollowed) {
  ModelFolderBuilder builder;
  const fs::path path = builder.Write();
  const fs::path blobs = path.parent_path() / "blobs";
  fs::create_directory(blobs);
  for (const char* name : {"modules.json", "model.safetensors"}) {
    fs::rename(path / name, blobs / name);
    fs::create_symlink(fs::path("../blobs") / name, path / name);
  }
  const auto folder = ModelFolder::Read(path);
  EXPECT_TRUE(folder.ok()) << folder.status();
}

TEST(ModelFolderTest, MissingModuleFoldersAreRefusedButNotNormalizes) {
  ModelFolderBuilder builder;
  builder.AddNormalize();
  const fs::path path = builder.Write();
  ASSERT_FALSE(fs::exists(path / "2_Normalize"));
  EXPECT_TRUE(ModelFolder::Read(path)->normalizes);
  fs::remove_all(path / "1_Pooling");
  EXPECT_THAT(ModelFolder::Read(path),
              IsRefused(AllOf(HasSubstr("1_Pooling: no such folder"), HasSubstr("incomplete"))));
}

TEST(ModelFolderTest, BrokenFilesAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"modules.json", "[{"},
      {"config.json", "{\"model_type\": \"bert\",}"},
      {"1_Pooling/config.json", "\xEF\xBB\xBF{}"},
      {"sentence_bert_config.json", "{\"max_seq_length\": NaN}"},
      {"config_sentence_transformers.json", "no"},
      {"tokenizer_config.json", "{]"},
      {"model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"},
      {"model.safetensors", "short"}};
  for (const auto& [name, contents] : cases) {
    ModelFolderBuilder builder;
    builder.text[name] = contents;
    EXPECT_THAT(Read(builder), IsRefused(HasSubstr(name))) << contents;
  }
}

TEST(ModelFolderTest, OtherWaysToKeepAModelAreRefused) {
  ModelFolderBuilder adapter;
  adapter.json["adapter_config.json"] = {{"peft_type", "LORA"}};
  EXPECT_THAT(Read(adapter),
              IsRefused(AllOf(HasSubstr("adapter_config.json"), HasSubstr("merge"))));
  ModelFolderBuilder pickled;
  pickled.tensors.erase("model.safetensors");
  pickled.text["pytorch_model.bin"] = "PK";
  EXPECT_THAT(Read(pickled), IsRefused(HasSubstr("pytorch_model.bin: pickled weights")));
  ModelFolderBuilder quantized;
  quantized.json["config.json"]["quantization_config"] = {{"load_in_4bit", true}};
  EXPECT_THAT(Read(quantized), IsRefused(HasSubstr("config.json: quantization_config")));
}

TEST(ModelFolderTest, WidthsMustMatchAlongTheChain) {
  ModelFolderBuilder builder;
  builder.AddDense(8, 8);
  EXPECT_THAT(Read(builder), IsRefused(HasSubstr("in_features is 8; but the module before it gives "
                                                 "16 values")));
  ModelFolderBuilder truncated;
  truncated.json["config_sentence_transformers.json"]["truncate_dim"] = 17;
  EXPECT_THAT(Read(truncated), IsRefused(HasSubstr("truncate_dim is 17; expected 1 to 16")));
}

TEST(ModelFolderTest, NonFiniteHeadWeightsAreRefused) {
  ModelFolderBuilder builder;
  builder.AddDense(16, 8);
  builder.tensors["2_Dense/model.safetensors"]["linear.bias"].values[0] =
      std::numeric_limits<float>::infinity();
  EXPECT_THAT(Read(builder),
              IsRefused(AllOf(HasSubstr("2_Dense/model.safetensors"), HasSubstr("linear.bias"))));
}

// The real models, where they are at hand.
fs::path SourceDirectory() {
  const char* variable = std::getenv("EMBEDSERVE_SOURCE_DIR");  // set by ctest
  return variable != nullptr ? variable : ".";
}

TEST(ModelFolderTest, ReadsAllMiniLM) {
  const char* variable = std::getenv("EMBEDSERVE_MINILM");
  const fs::path path =
      variable != nullptr ? fs::path(variable) : SourceDirectory() / "models/all-MiniLM-L6-v2";
  if (!fs::exists(path)) GTEST_SKIP() << path << " not found";
  const auto folder = ModelFolder::Read(path);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->encoder.layers, 6);
  EXPECT_EQ(folder->dimensions, 384);
  EXPECT_EQ(folder->max_sequence_length, 256);
  EXPECT_TRUE(folder->normalizes);
  EXPECT_THAT(folder->pooling.modes, ElementsAre(PoolingMode::kMean));
  EXPECT_THAT(folder->warnings, IsEmpty());
}

TEST(ModelFolderTest, ReadsTheShardedDistilRoberta) {
  const fs::path path = SourceDirectory() / "../shared/models/mrpc-distilroberta-remade";
  if (!fs::exists(path)) GTEST_SKIP() << path << " not found";
  const auto folder = ModelFolder::Read(path);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->encoder.model_type, "roberta");
  EXPECT_EQ(folder->dimensions, 768);
  EXPECT_EQ(folder->max_sequence_length, 512);
  EXPECT_THAT(folder->pooling.modes, ElementsAre(PoolingMode::kCls));
  EXPECT_EQ(folder->weights.word_embeddings.type, TensorType::kF16);
  EXPECT_EQ(folder->files.size(), 3u);
  EXPECT_THAT(folder->warnings, IsEmpty());
}

}  // namespace
}  // namespace embedserve
