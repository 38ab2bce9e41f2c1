#include "tests/support/model_folder_builder.h"

#include <fstream>
#include <utility>
#include <vector>

#include "tests/support/tiny_tokenizers.h"

namespace embedserve {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool IsRobertaLike(std::string_view model_type) {
  return model_type != "bert" && model_type != "distilbert";
}

void WriteFile(const fs::path& path, std::string_view contents) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace

ModelFolderBuilder::ModelFolderBuilder(std::string_view model_type, uint32_t seed)
    : seed_(seed * 1000) {
  json["modules.json"] = json::array();
  AddModule("Transformer");
  AddModule("Pooling");
  json["1_Pooling/config.json"] = {{"word_embedding_dimension", kHidden},
                                   {"pooling_mode_cls_token", false},
                                   {"pooling_mode_mean_tokens", true},
                                   {"pooling_mode_max_tokens", false},
                                   {"pooling_mode_mean_sqrt_len_tokens", false}};
  json["sentence_bert_config.json"] = {{"max_seq_length", kMaxTokens}, {"do_lower_case", false}};
  json["config_sentence_transformers.json"] = {
      {"__version__", {{"sentence_transformers", "4.1.0"}}},
      {"prompts", json::object()},
      {"default_prompt_name", nullptr},
      {"similarity_fn_name", "cosine"}};
  const int vocabulary = IsRobertaLike(model_type) ? AddByteLevelBpe(json, text, kMaxTokens)
                                                   : AddWordPiece(json, text, kMaxTokens);
  const int pad_rows = IsRobertaLike(model_type) ? 2 : 0;
  if (model_type == "distilbert") {
    json["config.json"] = {{"dim", kHidden},
                           {"n_heads", kHeads},
                           {"n_layers", kLayers},
                           {"hidden_dim", kFeedForward},
                           {"activation", "gelu"}};
  } else {
    json["config.json"] = {{"hidden_size", kHidden},
                           {"num_attention_heads", kHeads},
                           {"num_hidden_layers", kLayers},
                           {"intermediate_size", kFeedForward},
                           {"hidden_act", "gelu"},
                           {"layer_norm_eps", IsRobertaLike(model_type) ? 1e-5 : 1e-12},
                           {"type_vocab_size", IsRobertaLike(model_type) ? 1 : 2}};
  }
  json["config.json"].update({{"model_type", model_type},
                              {"vocab_size", vocabulary},
                              {"max_position_embeddings", kMaxTokens + pad_rows},
                              {"pad_token_id", IsRobertaLike(model_type) ? 1 : 0}});
  AddEncoder(model_type);
}

void ModelFolderBuilder::AddEncoder(std::string_view model_type) {
  const bool distil = model_type == "distilbert";
  TestTensors& out = tensors["model.safetensors"];
  const auto linear = [&](const std::string& name, int rows, int columns) {
    out[name + ".weight"] = Random({rows, columns});
    for (float& value : out[name + ".weight"].values) value *= 0.25f;  // scores of moderate size
    out[name + ".bias"] = Random({rows});
  };
  const auto norm = [&](const std::string& name) {
    out[name + ".weight"] = Random({kHidden});
    for (float& value : out[name + ".weight"].values) value = 1.0f + value / 2;
    out[name + ".bias"] = Random({kHidden});
  };
  const auto& config = json["config.json"];
  out["embeddings.word_embeddings.weight"] = Random({config["vocab_size"], kHidden});
  out["embeddings.position_embeddings.weight"] =
      Random({config["max_position_embeddings"], kHidden});
  if (!distil) {
    out["embeddings.token_type_embeddings.weight"] = Random({config["type_vocab_size"], kHidden});
  }
  norm("embeddings.LayerNorm");
  for (int i = 0; i < kLayers; ++i) {
    const std::string layer =
        (distil ? "transformer.layer." : "encoder.layer.") + std::to_string(i) + ".";
    linear(layer + (distil ? "attention.q_lin" : "attention.self.query"), kHidden, kHidden);
    linear(layer + (distil ? "attention.k_lin" : "attention.self.key"), kHidden, kHidden);
    linear(layer + (distil ? "attention.v_lin" : "attention.self.value"), kHidden, kHidden);
    linear(layer + (distil ? "attention.out_lin" : "attention.output.dense"), kHidden, kHidden);
    norm(layer + (distil ? "sa_layer_norm" : "attention.output.LayerNorm"));
    linear(layer + (distil ? "ffn.lin1" : "intermediate.dense"), kFeedForward, kHidden);
    linear(layer + (distil ? "ffn.lin2" : "output.dense"), kHidden, kFeedForward);
    norm(layer + (distil ? "output_layer_norm" : "output.LayerNorm"));
  }
}

void ModelFolderBuilder::AddModule(std::string_view name) {
  nlohmann::json& modules = json["modules.json"];
  const std::size_t index = modules.size();
  const std::string path = index == 0 ? "" : std::to_string(index) + "_" + std::string(name);
  modules.push_back({{"idx", index},
                     {"name", std::to_string(index)},
                     {"path", path},
                     {"type", "sentence_transformers.models." + std::string(name)}});
}

void ModelFolderBuilder::AddNormalize() { AddModule("Normalize"); }

void ModelFolderBuilder::AddDense(int in_features, int out_features) {
  AddModule("Dense");
  const std::string path = json["modules.json"].back()["path"];
  json[path + "/config.json"] = {{"in_features", in_features},
                                 {"out_features", out_features},
                                 {"bias", true},
                                 {"activation_function", "torch.nn.modules.activation.Tanh"}};
  tensors[path + "/model.safetensors"] = {{"linear.weight", Random({out_features, in_features})},
                                          {"linear.bias", Random({out_features})}};
}

void ModelFolderBuilder::AddLayerNorm(int dimension) {
  AddModule("LayerNorm");
  const std::string path = json["modules.json"].back()["path"];
  json[path + "/config.json"] = {{"dimension", dimension}};
  tensors[path + "/model.safetensors"] = {{"norm.weight", Random({dimension})},
                                          {"norm.bias", Random({dimension})}};
}

void ModelFolderBuilder::SetWeightType(std::string_view dtype) {
  for (auto& [file, contents] : tensors) {
    for (auto& [name, tensor] : contents) tensor.dtype = dtype;
  }
}

fs::path ModelFolderBuilder::Write() {
  const fs::path folder = directory_.path() / "model";
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [path, contents] : tensors) WriteFile(folder / path, SafetensorsFile(contents));
  for (const auto& [path, value] : json) WriteFile(folder / path, value.dump(2));
  for (const auto& [path, contents] : text) WriteFile(folder / path, contents);
  return folder;
}

}  // namespace embedserve
