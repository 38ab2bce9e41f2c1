// The reference library's ids for the small tokenizers of testdata/ and their variants
// (make_goldens.py), and for model folders of every shape (make_folder_goldens.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "model/tokenizer/tokenizer.h"
#include "tests/model/tokenizer/goldens.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using nlohmann::json;

TokenizeOptions OptionsOf(const json& set) {
  TokenizeOptions options;
  options.max_length = set.value("max_length", 0);
  options.truncation_side =
      set.value("side", "right") == "left" ? TruncationSide::kStart : TruncationSide::kEnd;
  options.add_special_tokens = set.value("specials", true);
  return options;
}

TEST(TokenizerGoldenTest, SmallTokenizersGiveTheReferencesIds) {
  const json goldens = ReadTestdata("goldens.json");
  EXPECT_EQ(goldens["tokenizers"], "0.23.3");
  std::size_t cases = 0;
  for (const json& set : goldens["sets"]) {
    SCOPED_TRACE(set["name"].get<std::string>());
    const auto tokenizer = SmallTokenizer(set["base"].get<std::string>(), set["patch"]);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    const TokenizeOptions options = OptionsOf(set);
    for (const json& golden : set["cases"]) {
      const auto text = golden[0].get<std::string>();
      EXPECT_EQ(Ids(**tokenizer, text, options), golden[1].get<std::vector<int32_t>>())
          << golden[0].dump(-1, ' ', /*ensure_ascii=*/true);
      ++cases;
    }
  }
  EXPECT_GT(cases, 5000u);
}

void WriteFolder(const std::filesystem::path& directory, const json& files) {
  for (const auto& [name, content] : files.items()) {
    std::ofstream(directory / name, std::ios::binary) << ExpandFile(content);
  }
}

void ExpectFolder(const Tokenizer& tokenizer, const json& folder) {
  EXPECT_EQ(tokenizer.default_truncation_side(),
            folder["truncation_side"] == "left" ? TruncationSide::kStart : TruncationSide::kEnd);
  const json& length = folder["model_max_length"];
  EXPECT_EQ(tokenizer.model_max_length(),
            length.is_null() ? std::nullopt : std::optional(length.get<int64_t>()));
  for (const json& golden : folder["cases"]) {
    TokenizeOptions options;
    options.max_length = golden.size() > 2 ? golden[2].get<int>() : 0;
    options.truncation_side = tokenizer.default_truncation_side();
    EXPECT_EQ(Ids(tokenizer, golden[0].get<std::string>(), options),
              golden[1].get<std::vector<int32_t>>())
        << golden[0].dump(-1, ' ', /*ensure_ascii=*/true) << " " << options.max_length;
  }
}

void ExpectPairs(const Tokenizer& tokenizer, const json& folder) {
  Tokenizer::Scratch scratch;
  for (const json& golden : folder["pairs"]) {
    const auto first = golden[0].get<std::string>();
    const auto second = golden[1].get<std::string>();
    const TextPair pair = {first, second};
    PairBatch batch;
    const absl::Status status =
        tokenizer.EncodePairs(std::span(&pair, 1),
                              {.max_length = golden[4].get<int>(),
                               .truncation_side = tokenizer.default_truncation_side()},
                              scratch, batch);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(batch.tokens.ids, golden[2].get<std::vector<int32_t>>()) << golden[4];
    EXPECT_EQ(batch.type_ids, golden[3].get<std::vector<int32_t>>());
  }
}

TEST(TokenizerGoldenTest, FoldersGiveTheIdsOfAutoTokenizer) {
  const json goldens = ReadTestdata("folder_goldens.json");
  EXPECT_EQ(goldens["transformers"], "5.24.0");
  std::size_t loaded = 0;
  for (const json& folder : goldens["folders"]) {
    SCOPED_TRACE(folder["name"].get<std::string>());
    const TemporaryDirectory directory;
    WriteFolder(directory.path(), folder["files"]);
    const auto tokenizer = Tokenizer::FromFolder(
        directory.path(), {.lower_case_first = folder["lower_case_first"].get<bool>()});
    if (folder.contains("refused")) {
      EXPECT_FALSE(tokenizer.ok());
      continue;
    }
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    if (!tokenizer.ok()) continue;
    ExpectFolder(**tokenizer, folder);
    ExpectPairs(**tokenizer, folder);
    ++loaded;
  }
  EXPECT_GT(loaded, 80u);
}

}  // namespace
}  // namespace embedserve
