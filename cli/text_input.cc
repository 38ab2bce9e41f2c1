#include "cli/text_input.h"

#include <utility>

#include "cli/lines.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

absl::StatusOr<std::unique_ptr<const std::string>> ReadContent(const std::string& path) {
  ASSIGN_OR_RETURN(std::string content, ReadInput(path));
  return std::make_unique<const std::string>(std::move(content));
}

}  // namespace

absl::StatusOr<TextInput> TextInput::Read(const std::string& path, InputFormat format) {
  TextInput input;
  ASSIGN_OR_RETURN(input.content_, ReadContent(path));
  switch (format) {
    case InputFormat::kLines: {
      ASSIGN_OR_RETURN(input.texts_, SplitLines(*input.content_, InputName(path)));
      break;
    }
    case InputFormat::kJsonl: {
      ASSIGN_OR_RETURN(input.parsed_, ParseJsonLines(*input.content_, InputName(path)));
      input.texts_.assign(input.parsed_.begin(), input.parsed_.end());
      break;
    }
  }
  return input;
}

absl::StatusOr<TableInput> TableInput::Read(const std::string& path, std::size_t columns) {
  TableInput input;
  input.columns_ = columns;
  ASSIGN_OR_RETURN(input.content_, ReadContent(path));
  ASSIGN_OR_RETURN(input.cells_, SplitColumns(*input.content_, InputName(path), columns));
  return input;
}

std::vector<std::string_view> TableInput::Column(std::size_t column) const {
  std::vector<std::string_view> out;
  out.reserve(rows());
  for (std::size_t at = column; at < cells_.size(); at += columns_) out.push_back(cells_[at]);
  return out;
}

}  // namespace embedserve
