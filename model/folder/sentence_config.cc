#include "model/folder/sentence_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
// The release whose behaviour is reproduced (semantics.md).
constexpr std::array<int, 2> kReferenceVersion = {6, 2};

// "6.2.0" -> {6, 2}; what is not a number counts as 0.
std::array<int, 2> MajorMinor(std::string_view version) {
  std::array<int, 2> parts = {0, 0};
  const char* at = version.data();
  const char* end = at + version.size();
  for (int& part : parts) {
    const auto [stop, error] = std::from_chars(at, end, part);
    if (error != std::errc() || stop == end) break;
    at = stop + 1;
  }
  return parts;
}

absl::Status CheckVersion(JsonValue config, std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> versions, config.Find("__version__"));
  if (!versions) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<JsonValue> version, versions->Find("sentence_transformers"));
  if (!version) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string_view text, version->AsString());
  if (MajorMinor(text) > kReferenceVersion) {
    warnings.push_back(fmt::format(
        "{} is {}, newer than {}.{}, which this release follows: its results may differ",
        version->Place(), version->Text(), kReferenceVersion[0], kReferenceVersion[1]));
  }
  return absl::OkStatus();
}

absl::Status CheckModelType(JsonValue config) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find("model_type"));
  if (!value) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string_view type, value->AsString());
  if (type == "SentenceTransformer") return absl::OkStatus();
  return value->Error("only \"SentenceTransformer\" is supported");
}

absl::Status ReadPrompts(JsonValue config, SentenceTransformersConfig& out,
                         std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> prompts, config.Find("prompts"));
  if (prompts) {
    RETURN_IF_ERROR(prompts->ForEachMember([&out](std::string_view name, JsonValue value) {
      std::string& prompt = out.prompts[std::string(name)];
      if (value.IsNull()) return absl::OkStatus();
      const auto text = value.AsString();
      if (text.ok()) prompt = *text;
      return text.status();
    }));
    ASSIGN_OR_RETURN(const std::optional<JsonValue> document, prompts->Find("document"));
    for (const std::string_view name : {"passage", "corpus"}) {
      ASSIGN_OR_RETURN(const std::optional<JsonValue> other, prompts->Find(name));
      if (!other || document) continue;
      warnings.push_back(fmt::format(
          "{}: there is no prompt \"document\": as in the reference, documents get no prompt, not "
          "\"{}\"",
          prompts->Place(), name));
    }
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> chosen, config.Find("default_prompt_name"));
  if (!chosen) return absl::OkStatus();
  ASSIGN_OR_RETURN(out.default_prompt_name.emplace(), chosen->AsString());
  if (out.prompts.contains(*out.default_prompt_name)) return absl::OkStatus();
  std::string known;
  for (const auto& [name, text] : out.prompts) known += (known.empty() ? "" : ", ") + name;
  return chosen->Error("not one of the prompts: " + known);
}

absl::Status ReadSimilarity(JsonValue config, SentenceTransformersConfig& out) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find("similarity_fn_name"));
  if (!value) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string_view name, value->AsString());
  const std::optional<SimilarityFunction> function = SimilarityFunctionFromName(name);
  if (!function) return value->Error("supported: cosine, dot, euclidean, manhattan");
  out.similarity_function = *function;
  return absl::OkStatus();
}

// Refused when set to anything but null or an empty container.
absl::Status RefuseIfSet(JsonValue config, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
  if (!value || ((value->IsObject() || value->IsArray()) && value->size() == 0)) {
    return absl::OkStatus();
  }
  return value->Error("this setting is not supported");
}

absl::Status CheckOnly(JsonValue config, std::string_view key, std::string_view supported) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
  if (!value) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string_view text, value->AsString());
  if (text == supported) return absl::OkStatus();
  return value->Error(fmt::format("only \"{}\" is supported", supported));
}

// {"text": {"method": "forward", "method_output_name": "last_hidden_state"}} and nothing else.
absl::Status CheckModality(JsonValue config) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> modalities, config.Find("modality_config"));
  if (!modalities) return absl::OkStatus();
  RETURN_IF_ERROR(modalities->RefuseOtherKeys({"text"}));
  ASSIGN_OR_RETURN(const std::optional<JsonValue> text, modalities->Find("text"));
  if (!text) return absl::OkStatus();
  RETURN_IF_ERROR(text->RefuseOtherKeys({"method", "method_output_name"}));
  RETURN_IF_ERROR(CheckOnly(*text, "method", "forward"));
  return CheckOnly(*text, "method_output_name", "last_hidden_state");
}

}  // namespace

absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    JsonValue config, std::vector<std::string>& warnings) {
  RETURN_IF_ERROR(
      config.RefuseOtherKeys({"__version__", "model_type", "prompts", "default_prompt_name",
                              "similarity_fn_name", "truncate_dim", "requirements"}));
  SentenceTransformersConfig out;
  RETURN_IF_ERROR(CheckVersion(config, warnings));
  RETURN_IF_ERROR(CheckModelType(config));
  RETURN_IF_ERROR(ReadPrompts(config, out, warnings));
  RETURN_IF_ERROR(ReadSimilarity(config, out));
  ASSIGN_OR_RETURN(const std::optional<JsonValue> truncate_dim, config.Find("truncate_dim"));
  if (truncate_dim) {
    ASSIGN_OR_RETURN(const int64_t dimensions, truncate_dim->AsInt(1, kMaxInt));
    out.truncate_dim = static_cast<int>(dimensions);
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> requirements, config.Find("requirements"));
  if (requirements) {
    warnings.push_back(
        fmt::format("{} names Python packages; they are not used here", requirements->Place()));
  }
  return out;
}

absl::StatusOr<TransformerModuleConfig> ReadTransformerModuleConfig(JsonValue config) {
  RETURN_IF_ERROR(config.RefuseOtherKeys(
      {"max_seq_length", "do_lower_case", "transformer_task", "modality_config",
       "module_output_name", "unpad_inputs", "query_length", "document_length", "query_expansion",
       "processing_kwargs", "model_args", "tokenizer_args", "config_args", "model_kwargs",
       "processor_kwargs", "config_kwargs"}));
  for (const std::string_view key :
       {"query_length", "document_length", "query_expansion", "processing_kwargs", "model_args",
        "tokenizer_args", "config_args", "model_kwargs", "processor_kwargs", "config_kwargs"}) {
    RETURN_IF_ERROR(RefuseIfSet(config, key));
  }
  RETURN_IF_ERROR(CheckOnly(config, "transformer_task", "feature-extraction"));
  RETURN_IF_ERROR(CheckOnly(config, "module_output_name", "token_embeddings"));
  RETURN_IF_ERROR(CheckModality(config));
  TransformerModuleConfig out;
  ASSIGN_OR_RETURN(const std::optional<JsonValue> length, config.Find("max_seq_length"));
  if (length) {
    ASSIGN_OR_RETURN(const int64_t tokens, length->AsInt(1, kMaxInt));
    out.max_seq_length = static_cast<int>(tokens);
  }
  ASSIGN_OR_RETURN(out.do_lower_case, config.BoolOr("do_lower_case", false));
  return out;
}

absl::StatusOr<std::optional<int>> ReadModelMaxLength(JsonValue tokenizer_config,
                                                      const EncoderConfig& encoder,
                                                      std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const std::optional<std::string_view> side,
                   tokenizer_config.OptionalString("padding_side"));
  if (side == "left" && encoder.position_rule == PositionRule::kIndex) {
    warnings.push_back(fmt::format(
        "{}: padding_side is \"left\": in the reference a text's positions, hence its embedding, "
        "then depend on the texts beside it; here it is embedded as if it were alone",
        tokenizer_config.file()));
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, tokenizer_config.Find("model_max_length"));
  if (!value) return std::nullopt;
  ASSIGN_OR_RETURN(const double length, value->AsNumber());
  if (!(length >= 1)) return value->Error("expected a number of tokens, at least 1");
  if (length > kMaxInt) return std::nullopt;
  return static_cast<int>(length);
}

int SequenceLimit(std::optional<int> max_seq_length, std::optional<int> model_max_length,
                  const EncoderConfig& encoder, std::vector<std::string>& warnings) {
  const int usable = encoder.MaxSequenceLength();
  const int limit =
      max_seq_length.value_or(std::min(model_max_length.value_or(kMaxInt), encoder.positions));
  if (limit <= usable) return limit;
  warnings.push_back(fmt::format(
      "the folder's limit is {} tokens, but the model has positions for {}: longer texts are cut "
      "to {}",
      limit, usable, usable));
  return usable;
}

}  // namespace embedserve
