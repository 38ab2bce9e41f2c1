// The added and special tokens of a model folder, gathered from its four files as the reference
// does (tokenizers.md 1).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/json.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/tokenizer_class.h"
#include "model/tokenizer/tokenizer_json.h"

namespace embedserve {

// The named special tokens, in the order in which the reference adds them.
enum class SpecialRole { kBos, kEos, kUnk, kSep, kPad, kCls, kMask };
inline constexpr std::size_t kSpecialRoles = 7;

struct FolderTokens {
  NumberedTokens numbered;  // in order of their ids in the files; these are checked, not used
  std::string numbered_in;  // the files that they come from, for messages
  std::array<std::optional<AddedToken>, kSpecialRoles> named;
  std::vector<AddedToken> extra;  // additional and model-specific special tokens

  const std::optional<AddedToken>& operator[](SpecialRole role) const {
    return named[static_cast<std::size_t>(role)];
  }
  // All that the reference adds to a tokenizer which has `present` already, in order.
  std::vector<AddedToken> ToAdd(const AddedVocabulary& present) const;
};

// The values of tokenizer_config.json and tokenizer.json where the folder has them, the class for
// its default tokens, and, of a sentencepiece model, the pieces that are added tokens: they take
// the place of additional_special_tokens where no file has extra_special_tokens.
absl::StatusOr<FolderTokens> ReadFolderTokens(const std::filesystem::path& directory,
                                              const std::optional<JsonValue>& tokenizer_config,
                                              const std::optional<JsonValue>& tokenizer_json,
                                              TokenizerClass tokenizer_class,
                                              std::optional<std::vector<AddedToken>> pieces);

}  // namespace embedserve
