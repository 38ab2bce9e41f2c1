// What a post-processor makes of one text or two: the ids round and between them.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/json.h"

namespace embedserve {

struct SpecialTokens {
  struct PairPiece {
    enum class Kind { kFirst, kSecond, kToken };
    Kind kind;
    int32_t type_id = 0;
    int32_t id = 0;  // of kToken
    bool operator==(const PairPiece&) const = default;
  };

  std::vector<int32_t> before;  // of one text
  std::vector<int32_t> after;
  // A text may come twice or never. Without special tokens the kToken are left out.
  std::vector<PairPiece> pair = BareTexts();

  // cls A sep B sep, the second part of type 1.
  static SpecialTokens Bert(int32_t cls, int32_t sep);
  // cls A sep sep B sep, all of type 0.
  static SpecialTokens Roberta(int32_t cls, int32_t sep);

  // The first text and the second, which has type 1.
  static std::vector<PairPiece> BareTexts();

  int pair_tokens() const;  // of kind kToken

  bool operator==(const SpecialTokens&) const = default;
};

// `post_processor` of tokenizer.json's object. Errors: FAILED_PRECONDITION naming file, key and
// value.
absl::StatusOr<SpecialTokens> ReadPostProcessor(JsonValue root);

}  // namespace embedserve
