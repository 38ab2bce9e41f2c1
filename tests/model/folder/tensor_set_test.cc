#include "model/folder/tensor_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/refusal_matcher.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorSetTest : public testing::Test {
 protected:
  void Write(std::string_view name, std::string_view contents) {
    std::ofstream(folder() / name, std::ios::binary) << contents;
  }
  void WriteIndex(const nlohmann::json& weight_map) {
    Write("model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump());
  }
  // Two shards with one tensor each and the index that fits.
  void WriteShards() {
    Write("s1.safetensors", SafetensorsFile({{"a", {{2}, {1, 2}}}}));
    Write("s2.safetensors", SafetensorsFile({{"b", {{1}, {3}}}}));
    WriteIndex({{"a", "s1.safetensors"}, {"b", "s2.safetensors"}});
  }
  std::filesystem::path folder() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

TEST_F(TensorSetTest, OneFileComesBeforeAnIndex) {
  Write("model.safetensors", SafetensorsFile({{"w", {{1}, {5}}}}));
  WriteIndex({{"a", "absent"}});
  const auto set = TensorSet::Open(folder());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_TRUE(set->Has("w"));
  EXPECT_EQ(set->files().size(), 1u);
}

TEST_F(TensorSetTest, ShardsAreOneSet) {
  WriteShards();
  auto set = TensorSet::Open(folder());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->Take("a", {2})->ToFloat(), ElementsAre(1, 2));
  EXPECT_THAT(set->Take("b", {1})->ToFloat(), ElementsAre(3));
  EXPECT_EQ(set->taken().size(), 2u);
  EXPECT_EQ(set->path().filename(), "model.safetensors.index.json");
}

TEST_F(TensorSetTest, TakeChecksPresenceShapeAndType) {
  Write("model.safetensors", SafetensorsFile({{"w", {{1, 2}, {5, 6}}}, {"i", {{1}, {5}, "I8"}}}));
  auto set = TensorSet::Open(folder());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->Take("v", {1}), IsRefused(HasSubstr("model.safetensors: tensor v is missing")));
  EXPECT_THAT(set->Take("w", {2, 1}),
              IsRefused(HasSubstr("w has shape [1, 2], expected [2, 1] by the configuration")));
  EXPECT_THAT(set->Take("w", {1, 2, 1}), IsRefused(HasSubstr("expected [1, 2, 1]")));
  EXPECT_THAT(set->Take("i", {1}), IsRefused(HasSubstr("i is of type I8; expected F32, F16")));
  EXPECT_TRUE(set->taken().empty());
}

TEST_F(TensorSetTest, IndexAndShardsMustAgree) {
  WriteShards();
  WriteIndex({{"a", "s1.safetensors"}});
  EXPECT_TRUE(TensorSet::Open(folder()).ok());  // an extra file beside the shards is not looked at
  WriteIndex({{"a", "s2.safetensors"}, {"b", "s2.safetensors"}});
  EXPECT_THAT(TensorSet::Open(folder()),
              IsRefused(AllOf(HasSubstr("weight_map places a in s2.safetensors"),
                              HasSubstr("download them again"))));
  WriteIndex({{"a", "s1.safetensors"}, {"b", "s1.safetensors"}});
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("places b in s1.safetensors")));
  WriteIndex({{"a", "s1.safetensors"}, {"b", "s2.safetensors"}, {"c", "s2.safetensors"}});
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("places c in s2.safetensors")));
  Write("s2.safetensors", SafetensorsFile({{"b", {{1}, {3}}}, {"d", {{1}, {3}}}}));
  WriteIndex({{"a", "s1.safetensors"}, {"b", "s2.safetensors"}});
  EXPECT_THAT(TensorSet::Open(folder()),
              IsRefused(AllOf(HasSubstr("s2.safetensors: holds d"), HasSubstr("does not name"))));
}

TEST_F(TensorSetTest, RefusesBrokenIndexes) {
  WriteShards();
  for (const char* path : {"../s1.safetensors", "/etc/passwd", "a/b", "", ".."}) {
    WriteIndex({{"a", path}});
    EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("a file beside the index"))) << path;
  }
  WriteIndex({{"a", 1}});
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("weight_map.a is 1; expected a str")));
  WriteIndex({{"a", "absent.safetensors"}});
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("absent.safetensors: no such file")));
  Write("model.safetensors.index.json", "{}");
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("weight_map is missing")));
  Write("model.safetensors.index.json", "[1]");
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("expected an object")));
}

TEST_F(TensorSetTest, PickledWeightsAreRefusedWithTheWayOut) {
  EXPECT_THAT(TensorSet::Open(folder()), IsRefused(HasSubstr("model.safetensors: no such file")));
  Write("pytorch_model.bin", "PK");
  EXPECT_THAT(TensorSet::Open(folder()),
              IsRefused(AllOf(HasSubstr("pytorch_model.bin: pickled weights are not read"),
                              HasSubstr("save_pretrained"))));
}

TEST_F(TensorSetTest, NonFiniteWeightsAreRefusedByName) {
  for (const char* dtype : {"F32", "F16", "BF16"}) {
    // More than one piece of the parallel check.
    TestTensor tensor{.shape = {3, 700000}, .values = std::vector<float>(2100000), .dtype = dtype};
    tensor.values[2000001] = std::numeric_limits<float>::infinity();
    Write("model.safetensors", SafetensorsFile({{"a", {{1}, {1}}}, {"w", tensor}}));
    auto set = TensorSet::Open(folder());
    ASSERT_TRUE(set.ok()) << set.status();
    EXPECT_TRUE(CheckFinite(*set).ok());  // w is not used
    ASSERT_TRUE(set->Take("a", {1}).ok());
    ASSERT_TRUE(set->Take("w", {3, 700000}).ok());
    EXPECT_THAT(CheckFinite(*set), IsRefused(HasSubstr("element 2000001 of w is inf"))) << dtype;
  }
}

}  // namespace
}  // namespace embedserve
