// The files of a tokenizer without tokenizer.json (tokenizers.md 1).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/tokenizer/byte_level_bpe.h"
#include "model/tokenizer/vocabulary.h"

namespace embedserve {

// vocab.txt: the token of line n (from 0) has id n; white space at line ends is no part of it. An
// empty line is the token "". A token given twice has its last line's id.
absl::StatusOr<Vocabulary> ReadVocabularyText(const std::filesystem::path& path);
absl::StatusOr<Vocabulary> ParseVocabularyText(std::string_view text, const std::string& name);

// merges.txt: "left right" a line in order of rank. Lines that begin with "#version" do not count.
absl::StatusOr<BpeMerges> ReadMergesText(const std::filesystem::path& path);
absl::StatusOr<BpeMerges> ParseMergesText(std::string_view text, const std::string& name);

}  // namespace embedserve
