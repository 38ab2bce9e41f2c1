#include "model/folder/architectures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace embedserve {
namespace {

TEST(ArchitecturesTest, EveryRowIsFoundByItsModelType) {
  for (const Architecture& row : Architectures()) {
    EXPECT_EQ(FindArchitecture(row.model_type), &row);
    EXPECT_TRUE(row.prefix.ends_with('.')) << row.model_type;
  }
  for (const char* other : {"", "BERT", "bert ", "mpnet", "electra"}) {
    EXPECT_EQ(FindArchitecture(other), nullptr) << other;
  }
}

TEST(ArchitecturesTest, EveryRoleHasATensorOfItsOwn) {
  for (const Architecture& row : Architectures()) {
    const TensorNames& names = row.tensors;
    const std::multiset<std::string_view> of_a_layer = {
        names.query,          names.key,          names.value,  names.attention_output,
        names.attention_norm, names.intermediate, names.output, names.output_norm};
    const std::multiset<std::string_view> others = {names.word_embeddings,
                                                    names.position_embeddings,
                                                    names.type_embeddings, names.embedding_norm};
    for (const auto& group : {of_a_layer, others}) {
      for (const std::string_view name : group) EXPECT_EQ(group.count(name), 1u) << name;
    }
    EXPECT_EQ(of_a_layer.count(""), 0u) << row.model_type;
    EXPECT_EQ(names.layer_prefix.find("{}"), names.layer_prefix.rfind("{}"));
    EXPECT_TRUE(names.layer_prefix.ends_with("{}.")) << row.model_type;
    // A family has a type table by its config if and only if it has one by its tensors.
    EXPECT_EQ(names.type_embeddings.empty(), row.settings.token_types.key.empty());
  }
}

}  // namespace
}  // namespace embedserve
