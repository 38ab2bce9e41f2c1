#include "tests/golden/golden_folder.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/golden/golden_file.h"

namespace embedserve {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string Content(const OrderedJson& source) {
  if (source.contains("text")) return source.at("text").get<std::string>();
  if (source.contains("json")) return source.at("json").dump();
  OrderedJson content = ReadOrderedJson(GoldenDirectory() / source.at("copy").get<std::string>());
  content.merge_patch(source.at("patch"));
  return content.dump();
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "embedserve_golden_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::perror(name.c_str());
    std::abort();
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

OrderedJson ReadOrderedJson(const std::filesystem::path& path) {
  std::ifstream file(path);
  return OrderedJson::parse(file);
}

void WriteFile(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void WriteFiles(const OrderedJson& files, const std::filesystem::path& folder) {
  for (const auto& [name, source] : files.items()) {
    const std::filesystem::path path = folder / name;
    if (source.is_null()) {
      std::filesystem::remove(path);
    } else if (source.contains("copy") && !source.contains("patch")) {
      std::filesystem::create_directories(path.parent_path());
      std::filesystem::copy_file(GoldenDirectory() / source.at("copy").get<std::string>(), path,
                                 std::filesystem::copy_options::overwrite_existing);
    } else {
      WriteFile(path, Content(source));
    }
  }
}

}  // namespace embedserve
