// A sentence-transformers folder on disk, read and checked: everything that the files say, in one
// immutable value. Nothing here computes; tokenizer/ and engine/ are built from it.
//
// Meaning of every file and key, defaults and refusals: semantics.md 1. Whatever is not understood
// is an error that names file, key, value and the way out; nothing is skipped in silence.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/encoder_config.h"
#include "model/folder/encoder_weights.h"
#include "model/folder/head_module.h"
#include "model/folder/pooling_config.h"
#include "model/folder/similarity_function.h"
#include "model/folder/tensor_file.h"

namespace embedserve {

class ModelFolder {
 public:
  // Reads and checks the whole folder; weights are mapped, not copied. Errors: FAILED_PRECONDITION
  // for anything unsupported, broken or missing.
  static absl::StatusOr<ModelFolder> Read(const std::filesystem::path& directory);

  std::filesystem::path directory;    // as given
  std::filesystem::path transformer;  // where config.json, tokenizer and weights lie

  EncoderConfig encoder;
  EncoderWeights weights;
  PoolingConfig pooling;
  std::vector<HeadModule> head;  // without a final Normalize, which is `normalizes`
  bool normalizes = false;       // the chain ends in a Normalize module
  int dimensions = 0;            // width of an embedding after the whole chain

  int max_sequence_length = 0;  // special tokens included; already capped to usable positions
  bool do_lower_case = false;  // sentence_bert_config.json: a Lowercase step before the tokenizer's

  std::map<std::string, std::string> prompts;  // always holds "query" and "document"
  std::optional<std::string> default_prompt_name;
  SimilarityFunction similarity_function = SimilarityFunction::kCosine;
  std::optional<int> truncate_dim;  // default of a request's `dimensions`

  std::vector<std::string> warnings;  // one line each, to be logged once at load
  // SHA-256, lower-case hex, over the weights, the tokenizer's files and the module configs:
  // the folder's part of the model fingerprint.
  std::string content_hash;

  // The files mapped for `weights` and `head`; they live as long as the folder.
  std::vector<TensorFile> files;
};

}  // namespace embedserve
