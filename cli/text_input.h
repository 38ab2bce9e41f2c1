// The texts of --input, one a line, kept with the file that they are views into.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"

namespace embedserve {

class TextInput {
 public:
  // "" and "-" are standard input.
  static absl::StatusOr<TextInput> Read(const std::string& path, InputFormat format);
  const std::vector<std::string_view>& texts() const { return texts_; }

 private:
  std::unique_ptr<const std::string> content_;  // its own memory: texts_ stays valid across a move
  std::vector<std::string> parsed_;
  std::vector<std::string_view> texts_;
};

// The cells of --pairs, (lines, columns) row-major.
class TableInput {
 public:
  static absl::StatusOr<TableInput> Read(const std::string& path, std::size_t columns);
  std::size_t rows() const { return cells_.size() / columns_; }
  std::vector<std::string_view> Column(std::size_t column) const;

 private:
  std::unique_ptr<const std::string> content_;
  std::vector<std::string_view> cells_;
  std::size_t columns_ = 1;
};

}  // namespace embedserve
