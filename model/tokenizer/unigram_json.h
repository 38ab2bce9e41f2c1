// The parts of tokenizer.json that Unigram tokenizers have (tokenizers.md 2.4).
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "model/folder/json.h"
#include "model/tokenizer/normalizer_chain.h"
#include "model/tokenizer/unigram.h"
#include "model/tokenizer/vocabulary.h"

namespace embedserve {

// kSerde: as the library reads a file; kNearest: as the reference's classes hand scores over.
enum class ScoreRounding { kSerde, kNearest };

// `model.vocab`, a list of [piece, score]; `vocabulary` receives the pieces.
absl::StatusOr<UnigramPieces> ReadUnigramPieces(JsonValue value, ScoreRounding rounding,
                                                Vocabulary& vocabulary);
// The other settings of `model`.
absl::StatusOr<UnigramOptions> ReadUnigramOptions(JsonValue model,
                                                  const MetaspaceOptions& metaspace);

// A pre-tokenizer of the type Metaspace, or the sequence WhitespaceSplit, Metaspace; nullopt if
// `value` is neither.
absl::StatusOr<std::optional<MetaspaceOptions>> ReadMetaspace(JsonValue value);

// Normalizers of the types Precompiled, Prepend, Replace and Strip; nullopt for other types.
absl::StatusOr<std::optional<TextStep>> ReadTextStep(JsonValue value);
// The first Precompiled of `root`'s normalizer, itself or in a sequence, if there is one.
absl::StatusOr<std::optional<TextStep>> FindCharsmap(JsonValue root);

}  // namespace embedserve
