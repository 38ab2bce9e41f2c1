// sentencepiece's model file (sentencepiece.bpe.model): the fields of its protobuf message that the
// reference reads when a folder has no tokenizer.json (tokenizers.md 1).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

struct SentencePieceModel {
  enum class Kind { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  struct Piece {
    std::string text;
    double score = 0;  // the file's float
    Kind kind = Kind::kNormal;
  };

  std::vector<Piece> pieces;
  std::string charsmap;  // as Charsmap::Parse takes it; empty: none
};

// Errors: FAILED_PRECONDITION naming the file and the byte or piece; models of another type than
// Unigram are refused. Fields that no tokenizer needs are passed over, as protobuf does.
absl::StatusOr<SentencePieceModel> ReadSentencePieceModel(const std::filesystem::path& path);
// The same from memory; `name` stands for the file in messages.
absl::StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string_view bytes,
                                                           std::string_view name);

}  // namespace embedserve
