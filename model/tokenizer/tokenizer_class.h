// Which tokenizer class a model folder asks for (tokenizers.md 1): the reference rebuilds the
// pipeline of the classes it knows and takes no more than vocabulary, merges and added tokens from
// the files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/folder/json.h"

namespace embedserve {

enum class TokenizerClass { kBert, kMpnet, kRoberta, kXlmRoberta, kCamembert, kAsItStands };

// tokenizer_class of tokenizer_config.json, else of config.json, else the class of `model_type`.
// Unknown names and auto_map are refused.
absl::StatusOr<TokenizerClass> ResolveTokenizerClass(
    const std::optional<JsonValue>& tokenizer_config, const std::optional<JsonValue>& config,
    std::string_view model_type);

// As tokenizer_class spells it, for messages.
std::string_view Name(TokenizerClass tokenizer_class);

}  // namespace embedserve
