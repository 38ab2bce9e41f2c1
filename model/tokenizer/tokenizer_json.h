// tokenizer.json, as the pinned library reads it (tokenizers.md 1, 2). Whatever is not supported is
// an error that names file, key and value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/json.h"
#include "model/tokenizer/tokenizer_spec.h"

namespace embedserve {

// A lone file as it stands, added tokens included.
absl::StatusOr<TokenizerSpec> ReadTokenizerJson(const JsonFile& file);

// Its parts. `root` is the file's object, `value` the value of the key that names the function.

enum class TokenizerModelType { kBpe, kWordPiece, kUnigram };
// `model.type`, or what the keys of `model` tell in older files. Other models are refused by name.
absl::StatusOr<TokenizerModelType> ReadModelType(JsonValue model);
absl::StatusOr<Vocabulary> ReadVocabulary(JsonValue value);
absl::StatusOr<BpeMerges> ReadMerges(JsonValue value);
absl::StatusOr<std::vector<TextStep>> ReadNormalizer(JsonValue root);
absl::StatusOr<TruncationSide> ReadTruncationSide(JsonValue root);

struct BertPreTokenizer {
  bool operator==(const BertPreTokenizer&) const = default;
};
struct ByteLevelPreTokenizer {
  bool add_prefix_space = false;
  bool operator==(const ByteLevelPreTokenizer&) const = default;
};
using PreTokenizer = std::variant<BertPreTokenizer, ByteLevelPreTokenizer, MetaspaceOptions>;
absl::StatusOr<PreTokenizer> ReadPreTokenizer(JsonValue root);

// The settings of `model`, which must suit the pre-tokenizer.
absl::StatusOr<ByteLevelBpeOptions> ReadByteLevelBpeOptions(JsonValue model,
                                                            const PreTokenizer& pre_tokenizer);
absl::StatusOr<WordPieceOptions> ReadWordPieceOptions(JsonValue model,
                                                      const PreTokenizer& pre_tokenizer);

// The list `added_tokens` with the ids that the file claims; empty if the key is absent.
using NumberedTokens = std::vector<std::pair<int64_t, AddedToken>>;
absl::StatusOr<NumberedTokens> ReadAddedTokens(JsonValue root);
// The fields of one token; flags that are absent keep their value in `defaults`, unless they are
// `required`.
absl::StatusOr<AddedToken> ReadAddedToken(JsonValue value, const AddedToken& defaults,
                                          bool required);

// An error for the first token whose id in the file is not the one that it gets: the library
// ignores the file's ids, so one of the two is wrong for the model.
absl::Status CheckAddedIds(const NumberedTokens& tokens, const TokenizerSpec& spec,
                           std::string_view place);

}  // namespace embedserve
