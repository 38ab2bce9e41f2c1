// Which tokenizer a folder has, key by key and file by file, against the reference's AutoTokenizer.
// A case names its files (make_tokenizer_goldens.py says how); the folder is written and loaded.
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/tokenizer/tokenizer.h"
#include "tests/golden/golden_file.h"

namespace embedserve {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson Golden() {
  std::ifstream file(GoldenDirectory() / "tokenizer_folders.json");
  return OrderedJson::parse(file);
}

void Write(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// `source`: {"text"}, {"json"}, or {"copy"} of a file under tests/golden, with a JSON {"patch"}.
void WriteFile(const std::filesystem::path& path, const OrderedJson& source) {
  if (source.contains("text")) {
    Write(path, source.at("text").get<std::string>());
  } else if (source.contains("json")) {
    Write(path, source.at("json").dump());
  } else if (source.contains("patch")) {
    std::ifstream file(GoldenDirectory() / source.at("copy").get<std::string>());
    OrderedJson content = OrderedJson::parse(file);
    content.merge_patch(source.at("patch"));
    Write(path, content.dump());
  } else {
    std::filesystem::copy_file(GoldenDirectory() / source.at("copy").get<std::string>(), path);
  }
}

std::filesystem::path WriteFolder(const OrderedJson& golden, std::size_t index) {
  auto folder = std::filesystem::path(testing::TempDir()) /
                ("embedserve_tokenizer_folder_" +
                 std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
                 std::to_string(index));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const auto& [name, source] : golden.at("files").items()) WriteFile(folder / name, source);
  if (!golden.at("files").contains("config.json")) {
    Write(folder / "config.json", OrderedJson{{"model_type", golden.at("model_type")}}.dump());
  }
  return folder;
}

class TokenizerFolderTest : public testing::Test {
 protected:
  void Check(const OrderedJson& golden, const OrderedJson& distinct,
             const std::filesystem::path& folder) {
    const auto tokenizer =
        Tokenizer::FromFolder(folder, {.lower_case_first = golden.value("lower_case_first", false),
                                       .model_type = golden.at("model_type").get<std::string>()});
    if (golden.contains("refused")) {
      EXPECT_FALSE(tokenizer.ok());
      return;
    }
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    Tokenizer::Scratch scratch;
    TokenBatch batch;
    const auto status = (*tokenizer)->Encode(views, {}, scratch, batch);
    ASSERT_TRUE(status.ok()) << status;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const OrderedJson& ids = distinct.at(i).at(golden.at("ids").at(i).get<std::size_t>());
      EXPECT_THAT(batch[i], testing::ElementsAreArray(ids.get<std::vector<int32_t>>()))
          << "text " << i << ": " << texts_[i];
    }
    const OrderedJson& length = golden.at("model_max_length");
    EXPECT_EQ((*tokenizer)->model_max_length().value_or(0),
              length.is_null() ? 0 : length.get<int64_t>());
    EXPECT_EQ((*tokenizer)->default_truncation_side() == TruncationSide::kStart,
              golden.at("truncation_side").get<std::string>() == "left");
  }

  std::vector<std::string> texts_;
};

TEST_F(TokenizerFolderTest, SameIdsAsAutoTokenizer) {
  const OrderedJson golden = Golden();
  texts_ = golden.at("texts").get<std::vector<std::string>>();
  std::size_t index = 0;
  for (const OrderedJson& one : golden.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const std::filesystem::path folder = WriteFolder(one, index++);
    Check(one, golden.at("distinct_ids"), folder);
    std::filesystem::remove_all(folder);
  }
  EXPECT_GT(index, 100u);
}

}  // namespace
}  // namespace embedserve
