// The golden files of this folder (README.md), read for the tests. A file that cannot be read is a
// broken checkout: the process ends with its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"
#include "nlohmann/json.hpp"

namespace embedserve {

// tests/golden of the source tree that is tested.
std::filesystem::path GoldenDirectory();
std::filesystem::path TinyModelDirectory(std::string_view name);
// Names of the folders under models/, sorted.
std::vector<std::string> TinyModelNames();

nlohmann::json ReadJson(const std::filesystem::path& path);
std::vector<float> ReadFloats(const std::filesystem::path& path);

// One way to call the reference's encode(), and what it gave.
struct GoldenCase {
  std::string name;
  std::optional<std::string> prompt_name, prompt;
  std::optional<bool> normalize;
  int dimensions = 0;
  std::optional<TruncationSide> truncation_side;
  std::vector<std::string_view> texts;    // views into the GoldenModel
  std::vector<std::size_t> indices;       // of those in its list
  std::vector<std::vector<int32_t>> ids;  // of prompt + text, truncated
  std::size_t width = 0;                  // of a row
  std::vector<float> rows;                // (texts, width)
};

// NOLINTNEXTLINE(bugprone-exception-escape): nlohmann's noexcept move may throw, says the check.
struct GoldenModel {
  nlohmann::json json;  // the whole file
  std::vector<std::string> texts;
  std::vector<GoldenCase> cases;
};

// Of embeddings/NAME.
GoldenModel ReadGoldenModel(std::string_view name);
// Of `stem`.json and `stem`.f32, wherever they are.
GoldenModel ReadGoldenFiles(const std::filesystem::path& stem);

// EMBEDSERVE_MINILM, else where scripts/fetch-model puts it; empty if neither is there.
std::filesystem::path MiniLmDirectory();

}  // namespace embedserve
