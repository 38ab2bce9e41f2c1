// What the files of a tokenizer say, before it is compiled: the only value that passes between the
// readers (tokenizer_json, folder_tokenizer) and the tokenizer itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/byte_level_bpe.h"
#include "model/tokenizer/normalizer_chain.h"
#include "model/tokenizer/special_tokens.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/unigram.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_piece.h"

namespace embedserve {

struct ByteLevelBpeSpec {
  BpeMerges merges;
  ByteLevelBpeOptions options;
};

struct UnigramSpec {
  UnigramPieces pieces;
  UnigramOptions options;
};

struct TokenizerSpec {
  Vocabulary vocabulary;
  // Each with its own pre-tokenizer.
  std::variant<ByteLevelBpeSpec, WordPieceOptions, UnigramSpec> model;
  std::vector<TextStep> normalizer;
  AddedVocabulary added;
  SpecialTokens specials;
  bool split_special_tokens = false;  // in every call
  std::optional<int64_t> model_max_length;
  TruncationSide truncation_side = TruncationSide::kEnd;
  std::vector<std::string> warnings;
  FastPaths fast;
};

// Errors: FAILED_PRECONDITION, beginning with `name`.
absl::StatusOr<std::unique_ptr<const Tokenizer>> CompileTokenizer(TokenizerSpec spec,
                                                                  const std::string& name);

}  // namespace embedserve
