#include "model/tokenizer/unigram_json.h"

#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/serde_number.h"

namespace embedserve {
namespace {

constexpr std::size_t kMostGrowth = 16;  // of a replaced text; bounds memory

absl::StatusOr<double> ReadScore(JsonValue value, ScoreRounding rounding) {
  const auto spelling = value.Spelling();
  if (rounding == ScoreRounding::kSerde && spelling.has_value()) return SerdeNumber(*spelling);
  return value.AsNumber();
}

absl::StatusOr<MetaspaceOptions> ReadOneMetaspace(JsonValue value) {
  ASSIGN_OR_RETURN(const JsonValue replacement, value.Get("replacement"));
  ASSIGN_OR_RETURN(const std::string_view mark, replacement.AsString());
  if (mark != kMetaspaceMark) return replacement.Error("is not supported; expected \"\\u2581\"");
  MetaspaceOptions options;
  options.split_white_space = false;
  ASSIGN_OR_RETURN(options.split, value.BoolOr("split", true));
  ASSIGN_OR_RETURN(const bool add_prefix_space, value.BoolOr("add_prefix_space", true));
  ASSIGN_OR_RETURN(const auto scheme, value.Find("prepend_scheme"));
  std::string_view name = "always";
  if (scheme.has_value()) {
    ASSIGN_OR_RETURN(name, scheme->AsString());
    if (name != "always" && name != "first" && name != "never") {
      return scheme->Error("is not supported; expected \"always\", \"first\" or \"never\"");
    }
    if (!add_prefix_space && name != "never") {
      return scheme->Error("expected \"never\" beside \"add_prefix_space\": false");
    }
  } else if (!add_prefix_space) {
    return value.Error("\"add_prefix_space\": false needs \"prepend_scheme\": \"never\" beside it");
  }
  if (name == "first") options.prepend = MetaspaceOptions::Prepend::kFirst;
  if (name == "never") options.prepend = MetaspaceOptions::Prepend::kNever;
  return options;
}

absl::StatusOr<TextStep> ReadCharsmap(JsonValue value) {
  ASSIGN_OR_RETURN(const JsonValue map, value.Get("precompiled_charsmap"));
  ASSIGN_OR_RETURN(const std::string_view text, map.AsString());
  std::string blob;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &blob)) {
    return map.Error("expected base64");
  }
  auto charsmap = Charsmap::Parse(blob);
  if (!charsmap.ok()) return map.Error(std::string(charsmap.status().message()));
  return ApplyCharsmap{*std::move(charsmap)};
}

absl::StatusOr<TextStep> ReadReplace(JsonValue value) {
  ReplaceText step;
  ASSIGN_OR_RETURN(const JsonValue pattern, value.Get("pattern"));
  ASSIGN_OR_RETURN(const auto literal, pattern.OptionalString("String"));
  ASSIGN_OR_RETURN(const auto regex, pattern.OptionalString("Regex"));
  if (literal.has_value() && !regex.has_value() && !literal->empty()) {
    step.pattern = std::string(*literal);
  } else if (!literal.has_value() && regex == " {2,}") {
    step.pattern = "  ";
    step.extends = true;
  } else {
    return pattern.Error("is not supported; expected {\"String\": TEXT} or {\"Regex\": \" {2,}\"}");
  }
  ASSIGN_OR_RETURN(const std::string_view content, value.String("content"));
  step.content = std::string(content);
  if (step.content.size() > kMostGrowth * step.pattern.size()) {
    return value.Error("makes a text more than 16 times longer, which is not supported");
  }
  return step;
}

}  // namespace

absl::StatusOr<UnigramPieces> ReadUnigramPieces(JsonValue value, ScoreRounding rounding,
                                                Vocabulary& vocabulary) {
  UnigramPieces pieces;
  pieces.reserve(value.size());
  RETURN_IF_ERROR(value.ForEachElement([&](std::size_t, JsonValue pair) -> absl::Status {
    if (!pair.IsArray() || pair.size() != 2) return pair.Error("expected [piece, score]");
    std::string piece;
    double score = 0;
    RETURN_IF_ERROR(pair.ForEachElement([&](std::size_t i, JsonValue element) -> absl::Status {
      if (i == 1) {
        ASSIGN_OR_RETURN(score, ReadScore(element, rounding));
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(const std::string_view text, element.AsString());
      piece = std::string(text);
      return absl::OkStatus();
    }));
    const absl::Status appended = vocabulary.Append(piece);
    if (!appended.ok()) return pair.Error(std::string(appended.message()));
    pieces.emplace_back(std::move(piece), score);
    return absl::OkStatus();
  }));
  return pieces;
}

absl::StatusOr<UnigramOptions> ReadUnigramOptions(JsonValue model,
                                                  const MetaspaceOptions& metaspace) {
  UnigramOptions options;
  options.metaspace = metaspace;
  ASSIGN_OR_RETURN(const int64_t unk_id, model.Int("unk_id", 0, Vocabulary::kMaxIds - 1));
  options.unk_id = static_cast<int32_t>(unk_id);
  ASSIGN_OR_RETURN(options.byte_fallback, model.BoolOr("byte_fallback", false));
  return options;
}

absl::StatusOr<std::optional<MetaspaceOptions>> ReadMetaspace(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
  if (type == "Metaspace") return ReadOneMetaspace(value);
  if (type != "Sequence") return std::nullopt;
  ASSIGN_OR_RETURN(const JsonValue list, value.Get("pretokenizers"));
  std::optional<MetaspaceOptions> options;
  std::string types;
  RETURN_IF_ERROR(list.ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string_view element_type, element.String("type"));
    types.append(element_type).append(" ");
    if (element_type != "Metaspace") return absl::OkStatus();
    ASSIGN_OR_RETURN(options, ReadOneMetaspace(element));
    return absl::OkStatus();
  }));
  if (!options.has_value()) return std::nullopt;
  if (types != "WhitespaceSplit Metaspace " && types != "Metaspace ") {
    return list.Error("this sequence is not supported; expected WhitespaceSplit, Metaspace");
  }
  options->split_white_space = types != "Metaspace ";
  return options;
}

absl::StatusOr<std::optional<TextStep>> ReadTextStep(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
  if (type == "Precompiled") return ReadCharsmap(value);
  if (type == "Replace") return ReadReplace(value);
  if (type == "Prepend") {
    ASSIGN_OR_RETURN(const std::string_view text, value.String("prepend"));
    if (text.empty()) {
      return value.Error("prepends nothing, with which the reference fails; remove this step");
    }
    return PrependText{std::string(text)};
  }
  if (type != "Strip") return std::nullopt;
  StripEnds step;
  ASSIGN_OR_RETURN(step.left, value.Bool("strip_left"));
  ASSIGN_OR_RETURN(step.right, value.Bool("strip_right"));
  return step;
}

absl::StatusOr<std::optional<TextStep>> FindCharsmap(JsonValue root) {
  ASSIGN_OR_RETURN(const auto normalizer, root.Find("normalizer"));
  if (!normalizer.has_value()) return std::nullopt;
  std::optional<TextStep> found;
  const auto look = [&](JsonValue value) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
    if (type != "Precompiled" || found.has_value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(found, ReadCharsmap(value));
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const std::string_view type, normalizer->String("type"));
  if (type == "Sequence") {
    ASSIGN_OR_RETURN(const JsonValue list, normalizer->Get("normalizers"));
    RETURN_IF_ERROR(list.ForEachElement([&](std::size_t, JsonValue value) { return look(value); }));
  } else {
    RETURN_IF_ERROR(look(*normalizer));
  }
  return found;
}

}  // namespace embedserve
