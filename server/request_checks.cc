#include "server/request_checks.h"

#include "fmt/format.h"
#include "server/status_details.h"

namespace embedserve {
namespace {

std::string_view View(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

absl::Status BadEnum(std::string_view field, int value, std::string_view allowed) {
  return InvalidField("BAD_OPTION", field,
                      fmt::format("{} is not one of its values; allowed: {}", value, allowed));
}

}  // namespace

absl::Status CheckModelName(const Serving& serving, std::string_view name) {
  if (name.empty() || name == serving.model.name()) return absl::OkStatus();
  return Refusal(
      absl::StatusCode::kNotFound, "UNKNOWN_MODEL",
      fmt::format("model: this server has no model \"{:.100}\"; it serves \"{}\": ask for "
                  "that, or leave the field empty",
                  name, serving.model.name()),
      {{"model", serving.model.name()}});
}

absl::Status CheckTextCount(const Serving& serving, std::string_view field, std::size_t count) {
  const auto limit = static_cast<std::size_t>(serving.options.max_texts);
  if (count == 0) return InvalidField("NO_TEXTS", field, "empty; send at least one text");
  if (count <= limit) return absl::OkStatus();
  return InvalidField(
      "TOO_MANY_TEXTS", field,
      fmt::format("{} texts; the limit is {} in one request: send them in several, or "
                  "raise the server's --max-texts",
                  count, limit));
}

absl::Status CheckReplyBytes(const Serving& serving, std::size_t bytes, std::string_view smaller) {
  const std::size_t limit = serving.options.max_reply_bytes;
  if (bytes <= limit) return absl::OkStatus();
  return Refusal(
      absl::StatusCode::kInvalidArgument, "REPLY_TOO_LARGE",
      fmt::format("the answer would have {} bytes, more than {}: send fewer texts in one "
                  "request{}{}, or raise the server's --max-reply-bytes",
                  bytes, limit, smaller.empty() ? "" : ", ask for ", smaller),
      {{"max_reply_bytes", std::to_string(limit)}});
}

absl::StatusOr<std::string> ResolvePrompt(const Serving& serving, std::string_view field,
                                          const PromptChoice& choice) {
  const absl::StatusOr<std::string_view> prompt = serving.model.ResolvePrompt(choice);
  if (!prompt.ok()) return InvalidField("UNKNOWN_PROMPT", field, View(prompt.status()));
  return std::string(*prompt);
}

absl::StatusOr<int> ResolveDimensions(const Serving& serving, uint32_t dimensions) {
  const absl::StatusOr<int> resolved = serving.model.ResolveDimensions(int64_t{dimensions});
  if (!resolved.ok()) return InvalidField("BAD_DIMENSIONS", "dimensions", View(resolved.status()));
  return *resolved;
}

absl::StatusOr<OverlongTexts> ResolveTruncation(const Serving& serving, v1::Truncation truncation) {
  switch (static_cast<int>(truncation)) {
    case v1::TRUNCATION_UNSPECIFIED:
      return serving.options.overlong_texts;
    case v1::TRUNCATION_ERROR:
      return OverlongTexts::kRefuse;
    case v1::TRUNCATION_END:
      return OverlongTexts::kCutEnd;
    case v1::TRUNCATION_START:
      return OverlongTexts::kCutStart;
  }
  return BadEnum("truncation", truncation, "ERROR (1), END (2), START (3)");
}

absl::Status CheckPriority(v1::Priority priority) {
  if (v1::Priority_IsValid(priority)) return absl::OkStatus();
  return BadEnum("priority", priority, "INTERACTIVE (1), BULK (2)");
}

absl::StatusOr<OutputType> ResolveOutputType(v1::OutputType type) {
  switch (static_cast<int>(type)) {
    case v1::OUTPUT_TYPE_UNSPECIFIED:
    case v1::OUTPUT_TYPE_FLOAT32:
      return OutputType::kFloat32;
    case v1::OUTPUT_TYPE_FLOAT16:
      return OutputType::kFloat16;
    case v1::OUTPUT_TYPE_BFLOAT16:
      return OutputType::kBFloat16;
    case v1::OUTPUT_TYPE_INT8:
    case v1::OUTPUT_TYPE_UINT8:
    case v1::OUTPUT_TYPE_BINARY:
    case v1::OUTPUT_TYPE_UBINARY:
      return Refusal(absl::StatusCode::kUnimplemented, "OUTPUT_TYPE_NOT_SERVED",
                     fmt::format("output_type: {} is not served by this version; ask for FLOAT32, "
                                 "FLOAT16 or BFLOAT16",
                                 v1::OutputType_Name(type)));
  }
  return BadEnum("output_type", type, "FLOAT32 (1), FLOAT16 (2), BFLOAT16 (3)");
}

absl::StatusOr<SimilarityFunction> ResolveFunction(const Serving& serving,
                                                   v1::SimilarityFunction function) {
  switch (static_cast<int>(function)) {
    case v1::SIMILARITY_FUNCTION_UNSPECIFIED:
      return serving.model.folder().similarity_function;
    case v1::SIMILARITY_FUNCTION_COSINE:
      return SimilarityFunction::kCosine;
    case v1::SIMILARITY_FUNCTION_DOT:
      return SimilarityFunction::kDot;
    case v1::SIMILARITY_FUNCTION_EUCLIDEAN:
      return SimilarityFunction::kEuclidean;
    case v1::SIMILARITY_FUNCTION_MANHATTAN:
      return SimilarityFunction::kManhattan;
  }
  return BadEnum("function", function, "COSINE (1), DOT (2), EUCLIDEAN (3), MANHATTAN (4)");
}

v1::OutputType ToWire(OutputType type) {
  switch (type) {
    case OutputType::kFloat32:
      return v1::OUTPUT_TYPE_FLOAT32;
    case OutputType::kFloat16:
      return v1::OUTPUT_TYPE_FLOAT16;
    case OutputType::kBFloat16:
      return v1::OUTPUT_TYPE_BFLOAT16;
    case OutputType::kInt8:
      return v1::OUTPUT_TYPE_INT8;
    case OutputType::kUint8:
      return v1::OUTPUT_TYPE_UINT8;
    case OutputType::kBinary:
      return v1::OUTPUT_TYPE_BINARY;
    case OutputType::kUbinary:
      return v1::OUTPUT_TYPE_UBINARY;
  }
  return v1::OUTPUT_TYPE_UNSPECIFIED;
}

v1::SimilarityFunction ToWire(SimilarityFunction function) {
  switch (function) {
    case SimilarityFunction::kCosine:
      return v1::SIMILARITY_FUNCTION_COSINE;
    case SimilarityFunction::kDot:
      return v1::SIMILARITY_FUNCTION_DOT;
    case SimilarityFunction::kEuclidean:
      return v1::SIMILARITY_FUNCTION_EUCLIDEAN;
    case SimilarityFunction::kManhattan:
      return v1::SIMILARITY_FUNCTION_MANHATTAN;
  }
  return v1::SIMILARITY_FUNCTION_UNSPECIFIED;
}

TextGroup MakeGroup(std::string_view field, const Texts& texts, std::string prompt) {
  return {.field = field, .texts = {texts.begin(), texts.end()}, .prompt = std::move(prompt)};
}

}  // namespace embedserve
