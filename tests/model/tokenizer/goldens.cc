#include "tests/model/tokenizer/goldens.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"

namespace embedserve {

using nlohmann::json;

namespace {

std::filesystem::path SourceDirectory() {
  const char* source = std::getenv("EMBEDSERVE_SOURCE_DIR");
  return source == nullptr ? "." : source;
}

std::string ReadBytes(std::string_view name) {
  const std::filesystem::path path = SourceDirectory() / "tests/model/tokenizer/testdata" / name;
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.empty()) {
    std::cerr << path << " cannot be read\n";
    std::abort();
  }
  return bytes;
}

}  // namespace

std::vector<std::filesystem::path> PublishedTokenizers() {
  const std::filesystem::path data = SourceDirectory() / "../shared/data";
  if (!std::filesystem::exists(data / "roberta/tokenizer.json")) return {};
  return {data / "roberta/tokenizer.json", data / "bert/bert-base-uncased/tokenizer.json",
          data / "unigram/t5-small/tokenizer.json"};
}

json ReadTestdata(std::string_view name) { return json::parse(ReadBytes(name)); }

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

// sentencepiece.bpe.model as sentencepiece_model() of small_tokenizers.py makes it.
std::string SentencePieceModel(const json& spec) {
  std::map<std::string, uint64_t> kinds = {{"<unk>", 2}, {"<s>", 3}, {"</s>", 3}};
  const json& model = spec["model"];
  const json more = model.value("kinds", json::object());
  std::vector<std::pair<std::string, float>> pieces = {{"<unk>", 0}, {"<s>", 0}, {"</s>", 0}};
  const json& vocabulary = model["vocab"];
  for (std::size_t i = 4; i + 1 < vocabulary.size(); ++i) {
    pieces.emplace_back(vocabulary[i][0], vocabulary[i][1].get<float>());
  }
  for (const auto& [piece, kind] : more.items()) {
    kinds[piece] = kind.get<uint64_t>();
    // clang 14 lets no lambda capture a structured binding.
    const auto same = [&name = piece](const auto& other) { return other.first == name; };
    if (std::none_of(pieces.begin(), pieces.end(), same)) pieces.emplace_back(piece, -1.5F);
  }
  std::string bytes;
  for (const auto& [piece, score] : pieces) {
    std::string message = ProtoBytes(1, piece) + ProtoFloat(2, score);
    if (kinds.contains(piece)) message += ProtoVarint(3, kinds[piece]);
    bytes += ProtoBytes(1, message);
  }
  bytes +=
      ProtoBytes(2, ProtoVarint(3, model.value("model_type", uint64_t{1})) + ProtoVarint(4, 400));
  std::string normalizer = ProtoBytes(1, "nmt_nfkc");
  std::string charsmap;
  if (spec.contains("normalizer") &&
      absl::Base64Unescape(spec["normalizer"]["precompiled_charsmap"].get<std::string>(),
                           &charsmap)) {
    normalizer += ProtoBytes(2, charsmap);
  }
  return bytes + ProtoBytes(3, normalizer + ProtoVarint(3, 1));
}

}  // namespace

std::string ProtoVarint(uint32_t field, uint64_t value) {
  std::string bytes(1, static_cast<char>(field << 3));
  for (; value > 0x7F; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7F) | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string ProtoBytes(uint32_t field, std::string_view value) {
  std::string bytes = ProtoVarint(field, value.size());
  bytes[0] = static_cast<char>(field << 3 | 2);
  return bytes.append(value);
}

std::string ProtoFloat(uint32_t field, float value) {
  std::string bytes(1, static_cast<char>(field << 3 | 5));
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(bits >> shift));
  return bytes;
}

std::string ExpandFile(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("$file")) {
    return ReadBytes(value["$file"].get<std::string>());
  }
  if (!value.is_object() || !value.contains("$base")) return value.dump();
  const json spec = Patched(value["$base"].get<std::string>(), value["$patch"]);
  const auto kind = value["$as"].get<std::string>();
  if (kind == "tokenizer.json") return spec.dump();
  if (kind == "sentencepiece.bpe.model") return SentencePieceModel(spec);
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
