// A value that a folder may have and no golden shows is a value nobody has compared with the
// reference: these tests fail when an enumerator is added without a tiny folder that uses it.
#include <set>

#include "gtest/gtest.h"
#include "model/folder/architectures.h"
#include "model/folder/model_folder.h"
#include "tests/golden/golden_file.h"

namespace embedserve {
namespace {

std::vector<ModelFolder> TinyFolders() {
  std::vector<ModelFolder> folders;
  for (const std::string& name : TinyModelNames()) {
    auto folder = ModelFolder::Read(TinyModelDirectory(name));
    EXPECT_TRUE(folder.ok()) << folder.status();
    if (folder.ok()) folders.push_back(*std::move(folder));
  }
  return folders;
}

TEST(GoldenCoverageTest, EveryArchitecture) {
  std::set<std::string_view> seen;
  for (const ModelFolder& folder : TinyFolders()) seen.insert(folder.encoder.model_type);
  for (const Architecture& architecture : Architectures()) {
    EXPECT_TRUE(seen.contains(architecture.model_type)) << architecture.model_type;
  }
}

TEST(GoldenCoverageTest, EveryPoolingModeStandsAlone) {
  std::set<PoolingMode> alone, concatenated;
  for (const ModelFolder& folder : TinyFolders()) {
    const auto& modes = folder.pooling.modes;
    (modes.size() == 1 ? alone : concatenated).insert(modes.begin(), modes.end());
  }
  for (const PoolingMode mode : kAllPoolingModes) {
    EXPECT_TRUE(alone.contains(mode)) << Name(mode);
    EXPECT_TRUE(concatenated.contains(mode)) << Name(mode);
  }
}

TEST(GoldenCoverageTest, EveryPoolingModeWithAnExcludedPrompt) {
  std::set<PoolingMode> seen;
  for (const ModelFolder& folder : TinyFolders()) {
    if (folder.pooling.include_prompt) continue;
    seen.insert(folder.pooling.modes.begin(), folder.pooling.modes.end());
  }
  for (const PoolingMode mode : kAllPoolingModes) EXPECT_TRUE(seen.contains(mode)) << Name(mode);
}

TEST(GoldenCoverageTest, EverySimilarityFunctionIsAFoldersOwn) {
  std::set<SimilarityFunction> seen;
  for (const ModelFolder& folder : TinyFolders()) seen.insert(folder.similarity_function);
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    EXPECT_TRUE(seen.contains(function)) << Name(function);
  }
}

TEST(GoldenCoverageTest, EveryActivation) {
  std::set<Activation> seen;
  for (const ModelFolder& folder : TinyFolders()) {
    seen.insert(folder.encoder.activation);
    for (const HeadModule& module : folder.head) {
      if (const auto* dense = std::get_if<DenseModule>(&module)) seen.insert(dense->activation);
    }
  }
  for (const Activation activation : kAllActivations) {
    EXPECT_TRUE(seen.contains(activation)) << Name(activation);
  }
}

TEST(GoldenCoverageTest, EveryHeadModuleAndFormOfDense) {
  std::set<std::size_t> modules;
  bool dense_without_bias = false, plain_residual = false, projected_residual = false;
  for (const ModelFolder& folder : TinyFolders()) {
    for (const HeadModule& module : folder.head) {
      modules.insert(module.index());
      if (const auto* dense = std::get_if<DenseModule>(&module)) {
        dense_without_bias |= !dense->bias.has_value();
        plain_residual |= dense->use_residual && !dense->residual.has_value();
        projected_residual |= dense->residual.has_value();
      }
    }
  }
  EXPECT_EQ(modules.size(), std::variant_size_v<HeadModule>);
  EXPECT_TRUE(dense_without_bias);
  EXPECT_TRUE(plain_residual);
  EXPECT_TRUE(projected_residual);
}

TEST(GoldenCoverageTest, EveryWeightTypeAndPositionRule) {
  std::set<TensorType> types;
  std::set<PositionRule> rules;
  for (const ModelFolder& folder : TinyFolders()) {
    types.insert(folder.weights.word_embeddings.type);
    rules.insert(folder.encoder.position_rule);
  }
  EXPECT_EQ(types, (std::set{TensorType::kF32, TensorType::kF16, TensorType::kBF16}));
  EXPECT_EQ(rules, (std::set{PositionRule::kIndex, PositionRule::kAfterPadding}));
}

}  // namespace
}  // namespace embedserve
