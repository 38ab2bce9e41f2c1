#include "model/folder/module_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/refusal_matcher.h"

namespace embedserve {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<ModuleEntry>> Read(const json& modules) {
  const auto file = JsonFile::Parse(modules.dump(), "modules.json");
  return ReadModuleList((*file)->root());
}

json Module(int index, const std::string& type, const std::string& path = "x") {
  return {{"idx", index}, {"name", std::to_string(index)}, {"path", path}, {"type", type}};
}

const std::string kOld = "sentence_transformers.models.";

json Chain(const std::vector<std::string>& kinds) {
  json modules = json::array();
  for (const std::string& kind : kinds) {
    modules.push_back(Module(static_cast<int>(modules.size()), kOld + kind));
  }
  return modules;
}

TEST(ModuleListTest, ReadsOldAndNewTypeNames) {
  const std::string base = "sentence_transformers.base.modules.";
  const std::string sentence = "sentence_transformers.sentence_transformer.modules.";
  const json lists[] = {
      Chain({"Transformer", "Pooling", "Dense", "LayerNorm", "Dropout", "Normalize"}),
      {Module(0, base + "transformer.Transformer"), Module(1, sentence + "pooling.Pooling"),
       Module(2, base + "dense.Dense"), Module(3, sentence + "layer_norm.LayerNorm"),
       Module(4, sentence + "dropout.Dropout"), Module(5, base + "normalize.Normalize")},
      {Module(0, base + "transformer.Transformer"), Module(1, sentence + "pooling.Pooling"),
       Module(2, base + "dense.Dense"), Module(3, sentence + "layer_norm.LayerNorm"),
       Module(4, sentence + "dropout.Dropout"), Module(5, sentence + "normalize.Normalize")}};
  constexpr ModuleKind kExpected[] = {ModuleKind::kTransformer, ModuleKind::kPooling,
                                      ModuleKind::kDense,       ModuleKind::kLayerNorm,
                                      ModuleKind::kDropout,     ModuleKind::kNormalize};
  for (const json& list : lists) {
    const auto modules = Read(list);
    ASSERT_TRUE(modules.ok()) << modules.status();
    ASSERT_EQ(modules->size(), std::size(kExpected));
    for (std::size_t i = 0; i < std::size(kExpected); ++i) {
      EXPECT_EQ((*modules)[i].kind, kExpected[i]);
      EXPECT_EQ((*modules)[i].path, "x");
    }
  }
}

TEST(ModuleListTest, PathsIdxAndKwargsMayBeTrivial) {
  json list = Chain({"Transformer", "Pooling"});
  list[0]["path"] = "";
  list[1].erase("idx");
  list[1]["kwargs"] = json::array();
  const auto modules = Read(list);
  ASSERT_TRUE(modules.ok()) << modules.status();
  EXPECT_EQ((*modules)[0].path, "");
}

TEST(ModuleListTest, UnsupportedModulesAreRefusedByName) {
  for (const char* name : {"WeightedLayerPooling", "Router", "Asym", "CNN", "LSTM", "BoW",
                           "WordEmbeddings", "WordWeights", "CLIPModel", "StaticEmbedding",
                           "SpladePooling", "MultiVectorMask", "transformer", ""}) {
    EXPECT_THAT(Read(Chain({"Transformer", "Pooling", name})),
                IsRefused(AllOf(HasSubstr("modules.json: [2].type is \"" + kOld + name + "\""),
                                HasSubstr("supported: Transformer, Pooling, Dense"))));
  }
}

TEST(ModuleListTest, CustomCodeIsRefused) {
  for (const char* type :
       {"custom_st.Transformer", "Transformer", "sentence_transformers_x.Dense"}) {
    EXPECT_THAT(Read(json::array({Module(0, type)})),
                IsRefused(HasSubstr("custom code is not run")));
  }
}

TEST(ModuleListTest, TheChainHasOneOrder) {
  EXPECT_THAT(Read(json::array()),
              IsRefused(HasSubstr("there are 0 modules; expected Transformer")));
  EXPECT_THAT(Read(Chain({"Transformer"})), IsRefused(HasSubstr("there are 1 modules")));
  EXPECT_THAT(Read(Chain({"Pooling", "Transformer"})), IsRefused(HasSubstr("module 0 is Pooling")));
  EXPECT_THAT(Read(Chain({"Transformer", "Normalize"})),
              IsRefused(HasSubstr("module 1 is Normalize")));
  EXPECT_THAT(Read(Chain({"Transformer", "Pooling", "Dense", "Pooling"})),
              IsRefused(HasSubstr("module 3 is Pooling")));
  EXPECT_THAT(Read(Chain({"Transformer", "Pooling", "Transformer"})),
              IsRefused(HasSubstr("module 2 is Transformer")));
}

TEST(ModuleListTest, WhatIsUnclearIsRefused) {
  const auto changed = [](const char* key, const json& value) {
    json list = Chain({"Transformer", "Pooling"});
    list[1][key] = value;
    return Read(list);
  };
  EXPECT_THAT(changed("idx", 2), IsRefused("modules.json: [1].idx is 2; expected an integer from 1 "
                                           "to 1"));
  EXPECT_THAT(changed("name", "0"), IsRefused(HasSubstr("a name of its own")));
  EXPECT_THAT(changed("name", 1), IsRefused(HasSubstr("[1].name is 1; expected a string")));
  EXPECT_THAT(changed("path", "/etc"), IsRefused(HasSubstr("inside the model's folder")));
  EXPECT_THAT(changed("path", "../x"), IsRefused(HasSubstr("inside the model's folder")));
  EXPECT_THAT(changed("path", "x/.."), IsRefused(HasSubstr("inside the model's folder")));
  EXPECT_THAT(changed("path", std::string("x\0y", 3)), IsRefused(HasSubstr("inside the model's")));
  EXPECT_TRUE(changed("path", "x..y").ok());
  EXPECT_THAT(changed("kwargs", {"task"}), IsRefused(HasSubstr("kwargs is [\"task\"]")));
  EXPECT_THAT(changed("kwargs", 1), IsRefused(HasSubstr("kwargs is 1")));
  EXPECT_THAT(changed("extra", 1), IsRefused(HasSubstr("[1].extra is 1; unknown key")));
  EXPECT_THAT(changed("type", nullptr), IsRefused(HasSubstr("[1].type is null")));
  EXPECT_THAT(Read({{"0", 1}}), IsRefused(HasSubstr("expected an array")));
  EXPECT_THAT(Read(json::array({1})), IsRefused(HasSubstr("expected an object")));
}

}  // namespace
}  // namespace embedserve
