// The two files in which sentence-transformers keeps settings of its own (semantics.md 1.2, 1.3),
// and the sequence limit that follows from them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/encoder_config.h"
#include "model/folder/json.h"
#include "model/folder/similarity_function.h"

namespace embedserve {

// config_sentence_transformers.json; the defaults are those of a folder without it.
struct SentenceTransformersConfig {
  std::map<std::string, std::string> prompts = {{"document", ""}, {"query", ""}};
  std::optional<std::string> default_prompt_name;
  SimilarityFunction similarity_function = SimilarityFunction::kCosine;
  std::optional<int> truncate_dim;  // at least 1; the caller knows the upper bound
};
absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    JsonValue config, std::vector<std::string>& warnings);

// sentence_bert_config.json; the defaults are those of a folder without it.
struct TransformerModuleConfig {
  std::optional<int> max_seq_length;
  bool do_lower_case = false;
};
absl::StatusOr<TransformerModuleConfig> ReadTransformerModuleConfig(JsonValue config);

// tokenizer_config.json, as far as the folder is concerned. Returns model_max_length; values that
// no sequence reaches (1e30) are none.
absl::StatusOr<std::optional<int>> ReadModelMaxLength(JsonValue tokenizer_config,
                                                      const EncoderConfig& encoder,
                                                      std::vector<std::string>& warnings);

// Most tokens of a text, special ones included (semantics.md 2.4). The reference leaves the
// folder's limit as it is and then fails on long texts; here it is capped to the position table.
int SequenceLimit(std::optional<int> max_seq_length, std::optional<int> model_max_length,
                  const EncoderConfig& encoder, std::vector<std::string>& warnings);

}  // namespace embedserve
