#include "model/tokenizer/tokenizer_class.h"

#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

struct ClassName {
  std::string_view name;  // without a final "Fast"
  TokenizerClass tokenizer_class;
};
constexpr ClassName kClasses[] = {
    {"BertTokenizer", TokenizerClass::kBert},
    {"DistilBertTokenizer", TokenizerClass::kBert},
    {"ElectraTokenizer", TokenizerClass::kBert},
    {"LayoutLMTokenizer", TokenizerClass::kBert},
    {"MPNetTokenizer", TokenizerClass::kMpnet},
    {"RobertaTokenizer", TokenizerClass::kRoberta},
    {"LongformerTokenizer", TokenizerClass::kRoberta},
    {"XLMRobertaTokenizer", TokenizerClass::kXlmRoberta},
    {"CamembertTokenizer", TokenizerClass::kCamembert},
    {"PreTrainedTokenizer", TokenizerClass::kAsItStands},
    {"TokenizersBackend", TokenizerClass::kAsItStands},
};

struct ModelClass {
  std::string_view model_type;
  std::string_view name;
};
constexpr ModelClass kModelClasses[] = {
    {"bert", "BertTokenizer"},           {"distilbert", "BertTokenizer"},
    {"mpnet", "MPNetTokenizer"},         {"roberta", "RobertaTokenizer"},
    {"camembert", "CamembertTokenizer"}, {"xlm-roberta", "XLMRobertaTokenizer"},
};

struct Named {
  std::string name;
  std::string place;  // what names it, for messages
};

absl::StatusOr<std::optional<Named>> ClassIn(const std::optional<JsonValue>& file) {
  if (!file.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(const auto value, file->Find("tokenizer_class"));
  if (!value.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string_view name, value->AsString());
  return Named{std::string(name), value->Place()};
}

absl::StatusOr<Named> FindName(const std::optional<JsonValue>& tokenizer_config,
                               const std::optional<JsonValue>& config,
                               std::string_view model_type) {
  for (const auto* file : {&tokenizer_config, &config}) {
    ASSIGN_OR_RETURN(const std::optional<Named> named, ClassIn(*file));
    if (named.has_value()) return *named;
  }
  for (const ModelClass& model : kModelClasses) {
    if (model.model_type == model_type) {
      return Named{std::string(model.name), fmt::format("model_type {}", model_type)};
    }
  }
  return absl::FailedPreconditionError(
      fmt::format("no file names a tokenizer_class, and none belongs to model_type '{}'; add "
                  "\"tokenizer_class\" to tokenizer_config.json (known: BertTokenizer, "
                  "MPNetTokenizer, RobertaTokenizer, "
                  "XLMRobertaTokenizer, CamembertTokenizer, and PreTrainedTokenizerFast for a "
                  "tokenizer.json as it stands)",
                  model_type));
}

}  // namespace

absl::StatusOr<TokenizerClass> ResolveTokenizerClass(
    const std::optional<JsonValue>& tokenizer_config, const std::optional<JsonValue>& config,
    std::string_view model_type) {
  if (tokenizer_config.has_value()) {
    ASSIGN_OR_RETURN(const auto auto_map, tokenizer_config->Find("auto_map"));
    if (auto_map.has_value()) {
      return auto_map->Error("tokenizers that come with code of their own are not supported");
    }
  }
  ASSIGN_OR_RETURN(const Named named, FindName(tokenizer_config, config, model_type));
  std::string_view name = named.name;
  if (name.ends_with("Fast")) name.remove_suffix(4);
  for (const ClassName& known : kClasses) {
    if (known.name == name) return known.tokenizer_class;
  }
  return absl::FailedPreconditionError(fmt::format(
      "{} is \"{}\", which is not supported; known are BertTokenizer, DistilBertTokenizer, "
      "ElectraTokenizer, LayoutLMTokenizer, MPNetTokenizer, RobertaTokenizer, LongformerTokenizer, "
      "XLMRobertaTokenizer, CamembertTokenizer, and PreTrainedTokenizerFast for a tokenizer.json "
      "as it stands",
      named.place, named.name));
}

std::string_view Name(TokenizerClass tokenizer_class) {
  switch (tokenizer_class) {
    case TokenizerClass::kBert:
      return "BertTokenizer";
    case TokenizerClass::kMpnet:
      return "MPNetTokenizer";
    case TokenizerClass::kRoberta:
      return "RobertaTokenizer";
    case TokenizerClass::kXlmRoberta:
      return "XLMRobertaTokenizer";
    case TokenizerClass::kCamembert:
      return "CamembertTokenizer";
    case TokenizerClass::kAsItStands:
      return "PreTrainedTokenizerFast";
  }
  return "";
}

}  // namespace embedserve
