#include "tests/golden/golden_file.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace embedserve {
namespace {

std::string ReadBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read; is EMBEDSERVE_SOURCE_DIR the source tree?\n",
                 path.c_str());
    std::abort();
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
std::optional<T> Optional(const nlohmann::json& object, const char* key) {
  if (!object.contains(key)) return std::nullopt;
  return object.at(key).get<T>();
}

GoldenCase ReadCase(const nlohmann::json& json, const std::vector<std::string>& texts,
                    const std::vector<float>& rows) {
  GoldenCase out;
  out.name = json.at("name").get<std::string>();
  out.prompt_name = Optional<std::string>(json, "prompt_name");
  out.prompt = Optional<std::string>(json, "prompt");
  out.normalize = Optional<bool>(json, "normalize");
  out.dimensions = json.value("dimensions", 0);
  if (const auto side = Optional<std::string>(json, "truncation_side")) {
    out.truncation_side = *side == "left" ? TruncationSide::kStart : TruncationSide::kEnd;
  }
  out.indices = json.at("texts").get<std::vector<std::size_t>>();
  for (const std::size_t index : out.indices) out.texts.emplace_back(texts.at(index));
  out.ids = json.at("ids").get<std::vector<std::vector<int32_t>>>();
  out.width = json.at("width").get<std::size_t>();
  const auto first = json.at("offset").get<std::size_t>();
  const std::size_t size = out.indices.size() * out.width;
  if (first + size > rows.size()) std::abort();
  out.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(first),
                  rows.begin() + static_cast<std::ptrdiff_t>(first + size));
  return out;
}

}  // namespace

std::filesystem::path GoldenDirectory() {
  const char* source = std::getenv("EMBEDSERVE_SOURCE_DIR");
  if (source == nullptr) {
    std::fprintf(stderr, "EMBEDSERVE_SOURCE_DIR is not set: run the test through ctest\n");
    std::abort();
  }
  return std::filesystem::path(source) / "tests/golden";
}

std::filesystem::path TinyModelDirectory(std::string_view name) {
  return GoldenDirectory() / "models" / name;
}

std::vector<std::string> TinyModelNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(GoldenDirectory() / "models")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

nlohmann::json ReadJson(const std::filesystem::path& path) {
  return nlohmann::json::parse(ReadBytes(path));
}

std::vector<float> ReadFloats(const std::filesystem::path& path) {
  const std::string bytes = ReadBytes(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

GoldenModel ReadGoldenModel(std::string_view name) {
  return ReadGoldenFiles(GoldenDirectory() / "embeddings" / name);
}

GoldenModel ReadGoldenFiles(const std::filesystem::path& stem) {
  GoldenModel golden;
  golden.json = ReadJson(stem.string() + ".json");
  golden.texts = golden.json.at("texts").get<std::vector<std::string>>();
  const std::vector<float> rows = ReadFloats(stem.string() + ".f32");
  for (const nlohmann::json& json : golden.json.at("cases")) {
    golden.cases.push_back(ReadCase(json, golden.texts, rows));
  }
  return golden;
}

std::filesystem::path MiniLmDirectory() {
  std::filesystem::path directory;
  if (const char* variable = std::getenv("EMBEDSERVE_MINILM")) {
    directory = variable;
  } else {
    directory = GoldenDirectory().parent_path().parent_path() / "models/all-MiniLM-L6-v2";
  }
  return std::filesystem::exists(directory) ? directory : std::filesystem::path();
}

}  // namespace embedserve
