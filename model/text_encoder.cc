#include "model/text_encoder.h"

#include "model/folder/status_macros.h"

namespace embedserve {

TextEncoder::TextEncoder(const Model& model, Engine& engine)
    : model_(model),
      engine_(engine),
      most_tokens_(static_cast<std::size_t>(engine.limits().tokens)),
      most_sequences_(static_cast<std::size_t>(engine.limits().sequences)),
      builder_(model.folder().encoder) {}

std::size_t TextEncoder::EndOfBatch(const TokenBatch& tokens, std::size_t first) const {
  std::size_t last = first;
  std::size_t sum = 0;
  while (last < tokens.size() && last - first < most_sequences_) {
    sum += tokens[last].size();
    if (last > first && sum > most_tokens_) break;
    ++last;
  }
  return last;
}

absl::StatusOr<EncodedTexts> TextEncoder::Encode(std::span<const std::string_view> texts,
                                                 std::string_view prompt,
                                                 std::optional<TruncationSide> side,
                                                 const std::function<void(std::size_t)>& progress) {
  TokenBatch tokens;
  std::vector<int32_t> pooling_start;
  RETURN_IF_ERROR(model_.Tokenize(texts, prompt, side, scratch_, tokens, pooling_start));

  EncodedTexts out;
  out.truncated = tokens.truncated;
  out.rows.reserve(texts.size() * static_cast<std::size_t>(engine_.width()));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    out.tokens.push_back(static_cast<int32_t>(tokens[i].size()));
  }
  for (std::size_t first = 0; first < texts.size();) {
    const std::size_t last = EndOfBatch(tokens, first);
    builder_.Clear();
    for (std::size_t i = first; i < last; ++i) builder_.Add(tokens[i], pooling_start[i]);
    RETURN_IF_ERROR(engine_.Submit(builder_.Batch()));
    ASSIGN_OR_RETURN(const std::span<const float> rows, engine_.Collect());
    out.rows.insert(out.rows.end(), rows.begin(), rows.end());
    first = last;
    if (progress) progress(first);
  }
  return out;
}

}  // namespace embedserve
