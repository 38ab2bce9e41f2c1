// What a folder's files may say, one change at a time, against what the reference then reads and
// computes: pooling keys old and new, length limits, prompts, activations, module spellings.
#include "gtest/gtest.h"
#include "tests/golden/golden_folder.h"
#include "tests/golden/golden_model.h"

namespace embedserve {
namespace {

void Check(const std::filesystem::path& folder, const GoldenCase& golden,
           const nlohmann::json& facts) {
  const auto model = Model::Load(folder);
  ASSERT_TRUE(model.ok()) << model.status();
  ExpectFacts((*model)->folder(), facts);
  ExpectIds(**model, golden);
  const auto engine = (*model)->NewEngine("cpu", {.threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  ExpectRows(**model, **engine, golden);
}

TEST(FolderVariantsTest, ReadAndComputedAsTheReferenceDoes) {
  const std::filesystem::path stem = GoldenDirectory() / "folder_variants";
  const GoldenModel golden = ReadGoldenFiles(stem);
  const nlohmann::ordered_json files = ReadOrderedJson(stem.string() + ".json").at("cases");
  ASSERT_GT(golden.cases.size(), 50u);
  for (std::size_t i = 0; i < golden.cases.size(); ++i) {
    SCOPED_TRACE(golden.cases[i].name);
    const TemporaryFolder folder;
    std::filesystem::copy(TinyModelDirectory(files.at(i).at("base").get<std::string>()),
                          folder.path(), std::filesystem::copy_options::recursive);
    WriteFiles(files.at(i).at("files"), folder.path());
    Check(folder.path(), golden.cases[i], golden.json.at("cases").at(i).at("facts"));
  }
}

}  // namespace
}  // namespace embedserve
