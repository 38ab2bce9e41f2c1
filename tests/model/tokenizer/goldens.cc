#include "tests/model/tokenizer/goldens.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

namespace embedserve {

using nlohmann::json;

json ReadTestdata(std::string_view name) {
  const char* source = std::getenv("EMBEDSERVE_SOURCE_DIR");
  const std::filesystem::path path = std::filesystem::path(source == nullptr ? "." : source) /
                                     "tests/model/tokenizer/testdata" / name;
  std::ifstream file(path);
  json value = json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    std::cerr << path << " cannot be read\n";
    std::abort();
  }
  return value;
}

namespace {

json Patched(std::string_view name, const json& patch) {
  json value = ReadTestdata(std::string(name) + ".json");
  if (patch.is_object()) value.merge_patch(patch);
  return value;
}

std::string Lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

std::string ExpandFile(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object() || !value.contains("$base")) return value.dump();
  const json spec = Patched(value["$base"].get<std::string>(), value["$patch"]);
  const auto kind = value["$as"].get<std::string>();
  if (kind == "tokenizer.json") return spec.dump();
  const json& vocabulary = spec["model"]["vocab"];
  if (kind == "vocab.json") return vocabulary.dump();
  std::vector<std::string> lines;
  if (kind == "vocab.txt") {
    std::map<int, std::string> by_id;
    for (const auto& [token, id] : vocabulary.items()) by_id[id.get<int>()] = token;
    for (const auto& [id, token] : by_id) lines.push_back(token);
  } else {
    lines = spec["model"]["merges"].get<std::vector<std::string>>();
    lines.insert(lines.begin(), "#version: 0.2");
  }
  return Lines(lines);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> SmallTokenizer(std::string_view name,
                                                                const json& patch,
                                                                const FastPaths& fast) {
  return Tokenizer::FromJson(Patched(name, patch).dump(), std::string(name) + ".json", fast);
}

std::vector<int32_t> Ids(const Tokenizer& tokenizer, std::string_view text,
                         const TokenizeOptions& options) {
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  const absl::Status status = tokenizer.Encode(std::span(&text, 1), options, scratch, batch);
  if (!status.ok()) {
    std::cerr << status << "\n";
    std::abort();
  }
  return batch.ids;
}

}  // namespace embedserve
