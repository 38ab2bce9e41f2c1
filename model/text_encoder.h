// Texts in, raw rows out, on one engine in the calling thread: what the command line and the tests
// use where no server stands between them and the model.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/model.h"

namespace embedserve {

struct EncodedTexts {
  std::vector<float> rows;         // (texts, width) as Engine::Collect gives them
  std::vector<int32_t> tokens;     // (texts) after truncation, special tokens included
  std::vector<uint8_t> truncated;  // (texts)
};

// Not thread-safe; model and engine must outlive it.
class TextEncoder {
 public:
  TextEncoder(const Model& model, Engine& engine);

  // `progress` is told the number of texts done after each batch. Errors as Model::Tokenize (the
  // index counts from the first of `texts`) and Engine.
  absl::StatusOr<EncodedTexts> Encode(std::span<const std::string_view> texts,
                                      std::string_view prompt,
                                      std::optional<TruncationSide> side = std::nullopt,
                                      const std::function<void(std::size_t)>& progress = {});

 private:
  // Longest run of sequences from `first` that fits the engine's limits, at least one.
  std::size_t EndOfBatch(const TokenBatch& tokens, std::size_t first) const;

  const Model& model_;
  Engine& engine_;
  std::size_t most_tokens_;
  std::size_t most_sequences_;
  Tokenizer::Scratch scratch_;
  BatchBuilder builder_;
};

}  // namespace embedserve
