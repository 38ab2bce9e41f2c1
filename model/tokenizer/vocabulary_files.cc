#include "model/tokenizer/vocabulary_files.h"

#include "absl/functional/function_ref.h"
#include "fmt/format.h"
#include "model/folder/file.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

// Calls visit(number from 1, line without its "\n" or "\r\n"); a final newline ends no further
// line.
absl::Status ForEachLine(std::string_view text, const std::string& name,
                         absl::FunctionRef<absl::Status(std::size_t, std::string_view)> visit) {
  if (const auto offset = FirstInvalidUtf8(text)) {
    return absl::FailedPreconditionError(
        fmt::format("{}: not valid UTF-8 at byte {}", name, *offset));
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    RETURN_IF_ERROR(visit(number, line));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Vocabulary> ParseVocabularyText(std::string_view text, const std::string& name) {
  Vocabulary vocabulary;
  RETURN_IF_ERROR(
      ForEachLine(text, name, [&](std::size_t number, std::string_view line) -> absl::Status {
        const std::string_view token = line.substr(0, WhiteSpaceBefore(line, line.size(), 0));
        absl::Status added = vocabulary.Add(token, static_cast<int64_t>(number) - 1);
        if (added.ok()) return added;
        return absl::FailedPreconditionError(
            fmt::format("{}: line {}: {}", name, number, std::string(added.message())));
      }));
  if (vocabulary.count() == 0) {
    return absl::FailedPreconditionError(
        fmt::format("{}: is empty; expected one token a line", name));
  }
  return vocabulary;
}

absl::StatusOr<BpeMerges> ParseMergesText(std::string_view text, const std::string& name) {
  BpeMerges merges;
  RETURN_IF_ERROR(
      ForEachLine(text, name, [&](std::size_t number, std::string_view line) -> absl::Status {
        if (line.starts_with("#version")) return absl::OkStatus();
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos ||
            line.find(' ', space + 1) != std::string_view::npos) {
          return absl::FailedPreconditionError(
              fmt::format("{}: line {} is '{}'; expected two tokens with one space between them",
                          name, number, line));
        }
        merges.emplace_back(line.substr(0, space), line.substr(space + 1));
        return absl::OkStatus();
      }));
  return merges;
}

absl::StatusOr<Vocabulary> ReadVocabularyText(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseVocabularyText(file.text(), path.string());
}

absl::StatusOr<BpeMerges> ReadMergesText(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseMergesText(file.text(), path.string());
}

}  // namespace embedserve
