#include "model/model.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "model/engine/cpu_engine.h"
#include "model/engine/cuda_engine.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// The folder and the tokenizer were read apart; what they must agree on is checked here.
absl::Status CheckFit(const ModelFolder& folder, const Tokenizer& tokenizer) {
  if (tokenizer.vocabulary_size() > folder.encoder.vocabulary) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: the tokenizer can give id {}, but the word embedding has only {} rows: tokenizer and "
        "weights are of different models; copy both from one folder",
        folder.transformer.string(), tokenizer.vocabulary_size() - 1, folder.encoder.vocabulary));
  }
  if (folder.max_sequence_length <= tokenizer.special_tokens()) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: max_seq_length is {}, but the tokenizer adds {} special tokens to each text; set it "
        "to at least {} in sentence_bert_config.json",
        folder.transformer.string(), folder.max_sequence_length, tokenizer.special_tokens(),
        tokenizer.special_tokens() + 1));
  }
  return absl::OkStatus();
}

std::string LastComponent(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::path whole = std::filesystem::weakly_canonical(directory, error);
  if (error) whole = directory;
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

// The error of Tokenize for one text, in the words of a request's field path.
absl::Status TextError(std::size_t index, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("texts[{}]: {}", index, what));
}

// N of "cuda:N".
std::optional<int> CudaOrdinal(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return std::nullopt;
  device.remove_prefix(kPrefix.size());
  int ordinal = 0;
  const auto [end, error] = std::from_chars(device.begin(), device.end(), ordinal);
  if (error != std::errc() || end != device.end() || ordinal < 0) return std::nullopt;
  return ordinal;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Model>> Model::Load(const std::filesystem::path& directory) {
  std::unique_ptr<Model> model(new Model);
  model->name_ = LastComponent(directory);
  ASSIGN_OR_RETURN(model->folder_, ModelFolder::Read(directory));
  const ModelFolder& folder = model->folder_;
  ASSIGN_OR_RETURN(model->tokenizer_,
                   Tokenizer::FromFolder(folder.transformer,
                                         {.lower_case_first = folder.do_lower_case,
                                          .model_type = std::string(folder.encoder.model_type)}));
  RETURN_IF_ERROR(CheckFit(folder, *model->tokenizer_));
  model->warnings_ = folder.warnings;
  const std::vector<std::string>& more = model->tokenizer_->warnings();
  model->warnings_.insert(model->warnings_.end(), more.begin(), more.end());
  return model;
}

std::string Model::Fingerprint(ComputeType type) const {
  return fmt::format("{:.16}-{}", folder_.content_hash, Name(type));
}

absl::StatusOr<std::string_view> Model::ResolvePrompt(const PromptChoice& choice) const {
  if (choice.text.has_value()) return std::string_view(*choice.text);
  const std::optional<std::string>& name =
      choice.name.has_value() ? choice.name : folder_.default_prompt_name;
  if (!name.has_value()) return std::string_view();
  const auto found = folder_.prompts.find(*name);
  if (found == folder_.prompts.end()) {
    std::string known;
    for (const auto& prompt : folder_.prompts) known += (known.empty() ? "" : ", ") + prompt.first;
    return absl::InvalidArgumentError(
        fmt::format("the model has no prompt \"{}\"; it has: {}", *name, known));
  }
  return std::string_view(found->second);
}

absl::StatusOr<int> Model::ResolveDimensions(int64_t requested) const {
  if (requested == 0) return folder_.truncate_dim.value_or(folder_.dimensions);
  if (requested < 0 || requested > folder_.dimensions) {
    return absl::InvalidArgumentError(fmt::format(
        "the model's embeddings have {0} dimensions, not {1}: ask for 1 to {0}, or 0 for "
        "the default",
        folder_.dimensions, requested));
  }
  return static_cast<int>(requested);
}

absl::Status Model::Tokenize(std::span<const std::string_view> texts, std::string_view prompt,
                             std::optional<TruncationSide> side, Tokenizer::Scratch& scratch,
                             TokenBatch& out, std::vector<int32_t>& pooling_start) const {
  const TokenizeOptions options{
      .max_length = folder_.max_sequence_length,
      .truncation_side = side.value_or(tokenizer_->default_truncation_side())};
  const std::size_t before = out.size();
  if (prompt.empty()) {
    RETURN_IF_ERROR(tokenizer_->Encode(texts, options, scratch, out));
    pooling_start.insert(pooling_start.end(), texts.size(), 0);
    return absl::OkStatus();
  }

  std::vector<std::string> prompted;
  prompted.reserve(texts.size());
  for (const std::string_view text : texts) prompted.push_back(std::string(prompt).append(text));
  const std::vector<std::string_view> views(prompted.begin(), prompted.end());
  RETURN_IF_ERROR(tokenizer_->Encode(views, options, scratch, out));
  if (folder_.pooling.include_prompt) {
    pooling_start.insert(pooling_start.end(), texts.size(), 0);
    return absl::OkStatus();
  }

  // The prompt's positions leave the pooling mask: as many as the prompt alone has tokens, without
  // a special one at its end (semantics.md 2.2; a trailing space counts as the reference counts
  // it).
  TokenBatch alone;
  RETURN_IF_ERROR(tokenizer_->Encode({&prompt, 1}, options, scratch, alone));
  const auto excluded =
      static_cast<int32_t>(alone.ids.size()) - (tokenizer_->ends_with_special_token() ? 1 : 0);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t at = before + i;
    if (out.truncated[at] != 0 && options.truncation_side == TruncationSide::kStart) {
      return TextError(i,
                       "too long to be cut at its start: the cut would remove the prompt, whose "
                       "tokens this model leaves out of the pooling; shorten the text or use "
                       "TRUNCATION_END");
    }
    if (excluded >= static_cast<int32_t>(out[at].size())) {
      return TextError(
          i, fmt::format("nothing is left to pool: the prompt takes {} tokens, which this model "
                         "leaves out, and prompt and text together have {}",
                         excluded, out[at].size()));
    }
    pooling_start.push_back(excluded);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine>> Model::NewEngine(std::string_view device,
                                                         const EngineOptions& options) const {
  if (options.max_batch_tokens != 0 && options.max_batch_tokens < folder_.max_sequence_length) {
    return absl::InvalidArgumentError(fmt::format(
        "--max-batch-tokens is {}, but one text of this model may have {} tokens; raise it to at "
        "least that, or leave it at 0",
        options.max_batch_tokens, folder_.max_sequence_length));
  }
  if (device == "cpu") return NewCpuEngine(folder_, options);
  if (const std::optional<int> ordinal = CudaOrdinal(device)) {
    return NewCudaEngine(folder_, *ordinal, options);
  }
  return absl::FailedPreconditionError(
      fmt::format("device \"{}\" is not one; use \"cpu\", or \"cuda:0\" and so on", device));
}

}  // namespace embedserve
