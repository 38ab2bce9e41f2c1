#include <algorithm>
#include <iterator>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "model/folder/status_macros.h"
#include "model/model.h"

namespace embedserve {
namespace {

// Texts tokenized before their ids are printed: bounds the memory of a large input.
constexpr std::size_t kTextsAtOnce = 4096;

absl::Status PrintIds(const Tokenizer& tokenizer, const TokenizeOptions& options,
                      std::span<const std::string_view> texts) {
  Tokenizer::Scratch scratch;
  TokenBatch tokens;
  while (!texts.empty()) {
    const auto part = texts.first(std::min(kTextsAtOnce, texts.size()));
    tokens.clear();
    RETURN_IF_ERROR(tokenizer.Encode(part, options, scratch, tokens));
    fmt::memory_buffer out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      fmt::format_to(std::back_inserter(out), "[{}]\n", fmt::join(tokens[i], ", "));
    }
    RETURN_IF_ERROR(Print({out.data(), out.size()}));
    texts = texts.subspan(part.size());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunTokenize(const Options& options) {
  if (options.model.empty() == options.tokenizer.empty()) {
    return UsageError(fmt::format("tokenize needs one of --model DIR and --tokenizer FILE; {}",
                                  options.model.empty() ? "none is given" : "both are given"));
  }
  TokenizeOptions tokenize{.max_length = options.max_length,
                           .truncation_side = TruncationSide::kEnd,
                           .add_special_tokens = !options.without_special_tokens};
  std::unique_ptr<const Tokenizer> file;
  std::unique_ptr<const Model> model;
  if (!options.tokenizer.empty()) {
    ASSIGN_OR_RETURN(file, Tokenizer::FromFile(options.tokenizer));
  } else {
    ASSIGN_OR_RETURN(model, Model::Load(options.model));
    if (options.max_length == 0) tokenize.max_length = model->folder().max_sequence_length;
  }
  const Tokenizer& tokenizer = model != nullptr ? model->tokenizer() : *file;
  tokenize.truncation_side = tokenizer.default_truncation_side();
  ASSIGN_OR_RETURN(const TextInput input, TextInput::Read(options.input, options.input_format));
  return PrintIds(tokenizer, tokenize, input.texts());
}

}  // namespace embedserve
