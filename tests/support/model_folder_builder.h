// Small, valid model folders of which a test alters one thing:
//
//   ModelFolderBuilder builder("roberta");
//   builder.json["config.json"]["hidden_act"] = "telu";
//   const auto folder = ModelFolder::Read(builder.Write());
//
// Weights are seeded random numbers, exact in every weight type. Tokenizers are real, but tiny:
// lower case WordPiece of characters and a few words (bert, distilbert), byte-level BPE with a few
// merges (roberta, xlm-roberta, camembert).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {

class ModelFolderBuilder {
 public:
  // Sizes of the encoder that it builds.
  static constexpr int kHidden = 16;
  static constexpr int kHeads = 2;
  static constexpr int kFeedForward = 32;
  static constexpr int kLayers = 2;
  static constexpr int kMaxTokens = 32;  // usable positions, special tokens included

  // A Transformer and mean Pooling, in the spelling of sentence-transformers <= 5.3.
  explicit ModelFolderBuilder(std::string_view model_type = "bert", uint32_t seed = 1);

  // Appends a module to the chain.
  void AddNormalize();
  void AddDense(int in_features, int out_features);  // Tanh
  void AddLayerNorm(int dimension);

  // Sets the type of every weight: F32, F16 or BF16.
  void SetWeightType(std::string_view dtype);

  // What Write writes, by path inside the folder. A path in `text` wins over the others.
  std::map<std::string, nlohmann::json> json;
  std::map<std::string, TestTensors> tensors;
  std::map<std::string, std::string> text;

  // Writes the files and returns the folder, which is removed with the builder. Again: writes anew.
  std::filesystem::path Write();

 private:
  void AddEncoder(std::string_view model_type);
  void AddModule(std::string_view name);
  TestTensor Random(std::vector<int64_t> shape) { return RandomTensor(std::move(shape), seed_++); }

  uint32_t seed_;
  TemporaryDirectory directory_;
};

}  // namespace embedserve
