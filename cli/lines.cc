#include "cli/lines.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

absl::Status LineError(std::string_view name, std::size_t index, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: line {}: {}", name, index + 1, what));
}

absl::Status CheckUtf8(const std::vector<std::string_view>& lines, std::string_view name) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::optional<std::size_t> bad = FirstInvalidUtf8(lines[i]);
    if (!bad.has_value()) continue;
    return LineError(name, i,
                     fmt::format("byte {} (0x{:02x}) is not valid UTF-8; convert the file to UTF-8",
                                 *bad + 1, static_cast<unsigned char>(lines[i][*bad])));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view InputName(std::string_view path) {
  return path.empty() || path == "-" ? "standard input" : path;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  std::ostringstream content;
  errno = 0;
  if (path.empty() || path == "-") {
    if (std::cin.peek() != std::istream::traits_type::eof()) content << std::cin.rdbuf();
    return std::move(content).str();
  }
  std::ifstream file(path, std::ios::binary);
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  // A directory opens well and fails when it is read.
  if (!file.is_open() || file.bad() || errno != 0) {
    return absl::NotFoundError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  return std::move(content).str();
}

absl::StatusOr<std::vector<std::string_view>> SplitLines(std::string_view content,
                                                         std::string_view name) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  }
  RETURN_IF_ERROR(CheckUtf8(lines, name));
  return lines;
}

absl::StatusOr<std::vector<std::string_view>> SplitColumns(std::string_view content,
                                                           std::string_view name,
                                                           std::size_t columns) {
  ASSIGN_OR_RETURN(const std::vector<std::string_view> lines, SplitLines(content, name));
  std::vector<std::string_view> cells;
  cells.reserve(lines.size() * columns);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    const auto found = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
    if (found != columns) {
      return LineError(
          name, i, fmt::format("{} columns; expected {} with a tab between them", found, columns));
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t tab = std::min(line.find('\t'), line.size());
      cells.push_back(line.substr(0, tab));
      line.remove_prefix(std::min(tab + 1, line.size()));
    }
  }
  return cells;
}

absl::StatusOr<std::vector<std::string>> ParseJsonLines(std::string_view content,
                                                        std::string_view name) {
  ASSIGN_OR_RETURN(const std::vector<std::string_view> lines, SplitLines(content, name));
  std::vector<std::string> texts;
  texts.reserve(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto value = nlohmann::json::parse(lines[i], nullptr, /*allow_exceptions=*/false);
    if (!value.is_string()) {
      return LineError(name, i, "no JSON string; expected one a line, such as \"a\\tb\"");
    }
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

}  // namespace embedserve
