#include <iterator>

#include "absl/functional/function_ref.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/lines.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "model/folder/status_macros.h"
#include "model/model.h"

namespace embedserve {
namespace {

// Ids are printed once they fill this: bounds the memory of a large input.
constexpr std::size_t kPrintAt = std::size_t{1} << 20;  // bytes

// An error of a call with one text or pair, which counts from 0: named by its line instead.
absl::Status AtLine(const absl::Status& status, std::string_view input, std::size_t line) {
  const auto what = BehindOwnPath({status.message().data(), status.message().size()});
  if (!what.has_value()) return status;
  return absl::Status(status.code(), fmt::format("{}: line {}{}", input, line, *what));
}

// Encodes `count` texts or pairs by encode(i, batch), one after the other.
absl::Status PrintIds(std::size_t count, std::string_view input,
                      absl::FunctionRef<absl::Status(std::size_t, TokenBatch&)> encode) {
  TokenBatch tokens;
  fmt::memory_buffer out;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.clear();
    if (const absl::Status status = encode(i, tokens); !status.ok()) {
      return AtLine(status, input, i + 1);
    }
    fmt::format_to(std::back_inserter(out), "[{}]\n", fmt::join(tokens.ids, ", "));
    if (out.size() < kPrintAt && i + 1 < count) continue;
    RETURN_IF_ERROR(Print({out.data(), out.size()}));
    out.clear();
  }
  return absl::OkStatus();
}

absl::Status PrintTexts(const Options& options, const Tokenizer& tokenizer,
                        const TokenizeOptions& tokenize) {
  ASSIGN_OR_RETURN(const TextInput input, TextInput::Read(options.input, options.input_format));
  Tokenizer::Scratch scratch;
  return PrintIds(input.texts().size(), InputName(options.input),
                  [&](std::size_t i, TokenBatch& out) {
                    return tokenizer.Encode({&input.texts()[i], 1}, tokenize, scratch, out);
                  });
}

absl::Status PrintPairs(const Options& options, const Tokenizer& tokenizer,
                        const TokenizeOptions& tokenize) {
  ASSIGN_OR_RETURN(const TableInput input, TableInput::Read(options.pairs, 2));
  const std::vector<std::string_view> first = input.Column(0);
  const std::vector<std::string_view> second = input.Column(1);
  Tokenizer::Scratch scratch;
  PairBatch batch;
  return PrintIds(input.rows(), InputName(options.pairs),
                  [&](std::size_t i, TokenBatch& out) -> absl::Status {
                    const TextPair pair = {first[i], second[i]};
                    batch.clear();
                    RETURN_IF_ERROR(tokenizer.EncodePairs({&pair, 1}, tokenize, scratch, batch));
                    out = batch.tokens;
                    return absl::OkStatus();
                  });
}

}  // namespace

absl::Status RunTokenize(const Options& options) {
  if (options.model.empty() == options.tokenizer.empty()) {
    return UsageError(fmt::format("tokenize needs one of --model DIR and --tokenizer FILE; {}",
                                  options.model.empty() ? "none is given" : "both are given"));
  }
  if (!options.pairs.empty() && !options.input.empty() && options.input != "-") {
    return UsageError("tokenize reads --input or --pairs; both are given");
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
  return options.pairs.empty() ? PrintTexts(options, tokenizer, tokenize)
                               : PrintPairs(options, tokenizer, tokenize);
}

}  // namespace embedserve
