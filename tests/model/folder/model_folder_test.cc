#include "model/folder/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/model_folder_builder.h"

namespace embedserve {
namespace {

using ::testing::IsEmpty;

TEST(ModelFolderTest, ReadsEveryFamily) {
  for (const std::string_view type :
       {"bert", "camembert", "distilbert", "roberta", "xlm-roberta"}) {
    ModelFolderBuilder builder(type);
    const auto folder = ModelFolder::Read(builder.Write());
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_EQ(folder->encoder.model_type, type);
    EXPECT_EQ(folder->dimensions, ModelFolderBuilder::kHidden);
    EXPECT_EQ(folder->max_sequence_length, ModelFolderBuilder::kMaxTokens);
    EXPECT_EQ(folder->weights.layers.size(), std::size_t{ModelFolderBuilder::kLayers});
    EXPECT_THAT(folder->warnings, IsEmpty());
  }
}

}  // namespace
}  // namespace embedserve
