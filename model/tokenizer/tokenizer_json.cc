#include "model/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/unigram_json.h"

namespace embedserve {
namespace {

constexpr int64_t kMaxId = Vocabulary::kMaxIds - 1;

// `value` is null where a step may be: an absent key.
bool IsAbsent(const std::optional<JsonValue>& value) {
  return !value.has_value() || value->IsNull();
}

// An error at `object.key`, or at the object where it has no such key.
absl::Status ErrorAt(JsonValue object, std::string_view key, std::string_view message) {
  ASSIGN_OR_RETURN(const auto value, object.Find(key));
  return value.value_or(object).Error(message);
}

struct NamedStep {
  std::string_view type;
  NormalizerStep step;
};
const NamedStep kStepsWithoutSettings[] = {
    {"Lowercase", NormalizerStep::Lowercase()},
    {"NFC", NormalizerStep::Nfc()},
    {"NFD", NormalizerStep::Nfd()},
    {"NFKC", NormalizerStep::Nfkc()},
    {"NFKD", NormalizerStep::Nfkd()},
    {"Nmt", NormalizerStep::Nmt()},
    {"StripAccents", NormalizerStep::StripAccents()},
};

absl::Status AppendNormalizer(JsonValue value, std::vector<TextStep>& steps) {
  ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
  if (type == "Sequence") {
    ASSIGN_OR_RETURN(const JsonValue list, value.Get("normalizers"));
    return list.ForEachElement(
        [&](std::size_t, JsonValue element) { return AppendNormalizer(element, steps); });
  }
  if (type == "BertNormalizer") {
    ASSIGN_OR_RETURN(const bool clean_text, value.Bool("clean_text"));
    ASSIGN_OR_RETURN(const bool cjk, value.Bool("handle_chinese_chars"));
    ASSIGN_OR_RETURN(const bool lowercase, value.Bool("lowercase"));
    ASSIGN_OR_RETURN(const bool strip, value.BoolOr("strip_accents", lowercase));
    steps.emplace_back(NormalizerStep::Bert(clean_text, cjk, strip, lowercase));
    return absl::OkStatus();
  }
  for (const NamedStep& named : kStepsWithoutSettings) {
    if (named.type != type) continue;
    steps.emplace_back(named.step);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::optional<TextStep> step, ReadTextStep(value));
  if (!step.has_value()) {
    return ErrorAt(value, "type",
                   "this normalizer is not supported; known are BertNormalizer, Lowercase, NFC, "
                   "NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip and "
                   "StripAccents");
  }
  steps.emplace_back(*std::move(step));
  return absl::OkStatus();
}

absl::StatusOr<PreTokenizer> ReadOnePreTokenizer(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
  ASSIGN_OR_RETURN(const auto metaspace, ReadMetaspace(value));
  if (metaspace.has_value()) return *metaspace;
  if (type == "BertPreTokenizer") return BertPreTokenizer();
  if (type == "ByteLevel") {
    ByteLevelPreTokenizer byte_level;
    ASSIGN_OR_RETURN(byte_level.add_prefix_space, value.Bool("add_prefix_space"));
    ASSIGN_OR_RETURN(const bool use_regex, value.BoolOr("use_regex", true));
    if (!use_regex) {
      return ErrorAt(value, "use_regex",
                     "ByteLevel without its pattern (use_regex) is not supported");
    }
    return byte_level;
  }
  if (type == "Sequence") {
    ASSIGN_OR_RETURN(const JsonValue list, value.Get("pretokenizers"));
    if (!list.IsArray() || list.size() != 1) {
      return list.Error(
          "expected a sequence of exactly one pre-tokenizer; others are not supported");
    }
    absl::StatusOr<PreTokenizer> only = BertPreTokenizer();
    RETURN_IF_ERROR(list.ForEachElement([&](std::size_t, JsonValue element) {
      only = ReadOnePreTokenizer(element);
      return only.status();
    }));
    return only;
  }
  return ErrorAt(
      value, "type",
      "this pre-tokenizer is not supported; known are BertPreTokenizer (for WordPiece), "
      "ByteLevel (for BPE) and Metaspace, alone or behind WhitespaceSplit (for Unigram)");
}

absl::Status RefuseText(JsonValue model, std::string_view key) {
  ASSIGN_OR_RETURN(const auto text, model.OptionalString(key));
  if (!text.has_value() || text->empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const JsonValue value, model.Get(key));
  return value.Error("a byte-level BPE with this key is not supported; expected null or \"\"");
}

absl::StatusOr<std::pair<std::string, std::string>> ReadMergeLine(JsonValue value,
                                                                  std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    return value.Error("expected two tokens with one space between them");
  }
  return std::pair(std::string(line.substr(0, space)), std::string(line.substr(space + 1)));
}

}  // namespace

absl::StatusOr<ByteLevelBpeOptions> ReadByteLevelBpeOptions(JsonValue model,
                                                            const PreTokenizer& pre_tokenizer) {
  const auto* byte_level = std::get_if<ByteLevelPreTokenizer>(&pre_tokenizer);
  if (byte_level == nullptr) {
    return model.Error("a BPE model is supported behind the pre-tokenizer ByteLevel only");
  }
  ByteLevelBpeOptions options;
  options.add_prefix_space = byte_level->add_prefix_space;
  RETURN_IF_ERROR(RefuseText(model, "continuing_subword_prefix"));
  RETURN_IF_ERROR(RefuseText(model, "end_of_word_suffix"));
  ASSIGN_OR_RETURN(const double dropout, model.NumberOr("dropout", 0));
  if (dropout != 0) return ErrorAt(model, "dropout", "makes ids a matter of chance; expected null");
  ASSIGN_OR_RETURN(const bool byte_fallback, model.BoolOr("byte_fallback", false));
  if (byte_fallback) return ErrorAt(model, "byte_fallback", "is not supported; expected false");
  ASSIGN_OR_RETURN(options.ignore_merges, model.BoolOr("ignore_merges", false));
  ASSIGN_OR_RETURN(options.fuse_unk, model.BoolOr("fuse_unk", false));
  ASSIGN_OR_RETURN(const auto unk_token, model.OptionalString("unk_token"));
  if (unk_token.has_value()) options.unk_token = std::string(*unk_token);
  return options;
}

absl::StatusOr<WordPieceOptions> ReadWordPieceOptions(JsonValue model,
                                                      const PreTokenizer& pre_tokenizer) {
  if (!std::holds_alternative<BertPreTokenizer>(pre_tokenizer)) {
    return model.Error(
        "a WordPiece model is supported behind the pre-tokenizer BertPreTokenizer only");
  }
  WordPieceOptions options;
  ASSIGN_OR_RETURN(const std::string_view unk_token, model.String("unk_token"));
  ASSIGN_OR_RETURN(const std::string_view prefix, model.String("continuing_subword_prefix"));
  ASSIGN_OR_RETURN(const int64_t limit,
                   model.Int("max_input_chars_per_word", 0, std::numeric_limits<int64_t>::max()));
  options.unk_token = std::string(unk_token);
  options.continuing_subword_prefix = std::string(prefix);
  options.max_input_chars_per_word = static_cast<std::size_t>(limit);
  return options;
}

absl::StatusOr<TokenizerModelType> ReadModelType(JsonValue model) {
  ASSIGN_OR_RETURN(const auto type, model.OptionalString("type"));
  std::string_view name;
  if (type.has_value()) {
    name = *type;
  } else {
    ASSIGN_OR_RETURN(const auto merges, model.Find("merges"));
    ASSIGN_OR_RETURN(const auto prefix, model.Find("continuing_subword_prefix"));
    ASSIGN_OR_RETURN(const auto unk_id, model.Find("unk_id"));
    if (merges.has_value()) {
      name = "BPE";
    } else if (prefix.has_value()) {
      name = "WordPiece";
    } else if (unk_id.has_value()) {
      name = "Unigram";
    }
  }
  if (name == "BPE") return TokenizerModelType::kBpe;
  if (name == "WordPiece") return TokenizerModelType::kWordPiece;
  if (name == "Unigram") return TokenizerModelType::kUnigram;
  constexpr std::string_view kKnown = "BPE, WordPiece and Unigram";
  if (name.empty()) return model.Error(fmt::format("without \"type\"; known are {}", kKnown));
  return ErrorAt(model, "type", fmt::format("this model is not supported; known are {}", kKnown));
}

absl::StatusOr<Vocabulary> ReadVocabulary(JsonValue value) {
  Vocabulary vocabulary;
  RETURN_IF_ERROR(
      value.ForEachMember([&](std::string_view token, JsonValue number) -> absl::Status {
        ASSIGN_OR_RETURN(const int64_t id, number.AsInt(0, kMaxId));
        const absl::Status added = vocabulary.Add(token, id);
        return added.ok() ? added : number.Error(std::string(added.message()));
      }));
  return vocabulary;
}

absl::StatusOr<BpeMerges> ReadMerges(JsonValue value) {
  BpeMerges merges;
  merges.reserve(value.size());
  RETURN_IF_ERROR(value.ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
    if (element.IsString()) {
      ASSIGN_OR_RETURN(const std::string_view line, element.AsString());
      if (line.starts_with("#version")) return absl::OkStatus();
      ASSIGN_OR_RETURN(auto pair, ReadMergeLine(element, line));
      merges.push_back(std::move(pair));
      return absl::OkStatus();
    }
    if (!element.IsArray() || element.size() != 2) {
      return element.Error("expected \"a b\" or [\"a\", \"b\"]");
    }
    std::string sides[2];
    RETURN_IF_ERROR(element.ForEachElement([&](std::size_t i, JsonValue side) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string_view text, side.AsString());
      sides[i] = std::string(text);
      return absl::OkStatus();
    }));
    merges.emplace_back(std::move(sides[0]), std::move(sides[1]));
    return absl::OkStatus();
  }));
  return merges;
}

absl::StatusOr<std::vector<TextStep>> ReadNormalizer(JsonValue root) {
  std::vector<TextStep> steps;
  ASSIGN_OR_RETURN(const auto value, root.Find("normalizer"));
  if (!IsAbsent(value)) RETURN_IF_ERROR(AppendNormalizer(*value, steps));
  return steps;
}

absl::StatusOr<PreTokenizer> ReadPreTokenizer(JsonValue root) {
  ASSIGN_OR_RETURN(const JsonValue value, root.Get("pre_tokenizer"));
  return ReadOnePreTokenizer(value);
}

absl::StatusOr<TruncationSide> ReadTruncationSide(JsonValue root) {
  ASSIGN_OR_RETURN(const auto truncation, root.Find("truncation"));
  if (IsAbsent(truncation)) return TruncationSide::kEnd;
  ASSIGN_OR_RETURN(const auto direction, truncation->OptionalString("direction"));
  if (!direction.has_value() || *direction == "Right") return TruncationSide::kEnd;
  if (*direction == "Left") return TruncationSide::kStart;
  return ErrorAt(*truncation, "direction", "expected \"Right\" or \"Left\"");
}

absl::StatusOr<AddedToken> ReadAddedToken(JsonValue value, const AddedToken& defaults,
                                          bool required) {
  AddedToken token = defaults;
  ASSIGN_OR_RETURN(const std::string_view content, value.String("content"));
  token.content = std::string(content);
  struct Flag {
    std::string_view key;
    bool* flag;
  };
  for (const auto& [key, flag] :
       {Flag{"single_word", &token.single_word}, Flag{"lstrip", &token.lstrip},
        Flag{"rstrip", &token.rstrip}, Flag{"normalized", &token.normalized},
        Flag{"special", &token.special}}) {
    if (required) {
      ASSIGN_OR_RETURN(*flag, value.Bool(key));
    } else {
      ASSIGN_OR_RETURN(*flag, value.BoolOr(key, *flag));
    }
  }
  return token;
}

absl::StatusOr<NumberedTokens> ReadAddedTokens(JsonValue root) {
  NumberedTokens tokens;
  ASSIGN_OR_RETURN(const auto list, root.Find("added_tokens"));
  if (!list.has_value()) return tokens;
  RETURN_IF_ERROR(list->ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t id, element.Int("id", 0, kMaxId));
    ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(element, AddedToken(), /*required=*/true));
    tokens.emplace_back(id, std::move(token));
    return absl::OkStatus();
  }));
  return tokens;
}

absl::Status CheckAddedIds(const NumberedTokens& tokens, const TokenizerSpec& spec,
                           std::string_view place) {
  for (const auto& [id, token] : tokens) {
    if (token.content.empty()) continue;
    const std::optional<int32_t> given = spec.added.Find(spec.vocabulary, token.content);
    if (given != id) {
      return absl::FailedPreconditionError(
          fmt::format("{}: the token '{}' has id {}, but the vocabulary of {} tokens gives it {}; "
                      "correct the id "
                      "or the vocabulary",
                      place, token.content, id, spec.vocabulary.count(), given.value_or(-1)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenizerSpec> ReadTokenizerJson(const JsonFile& file) {
  ASSIGN_OR_RETURN(const JsonValue root, file.RootObject());
  TokenizerSpec spec;
  spec.warnings = file.warnings();
  ASSIGN_OR_RETURN(const auto version, root.Find("version"));
  if (version.has_value()) {
    ASSIGN_OR_RETURN(const std::string_view text, version->AsString());
    if (text != "1.0") return version->Error("expected \"1.0\"");
  }
  ASSIGN_OR_RETURN(const JsonValue model, root.Get("model"));
  ASSIGN_OR_RETURN(const TokenizerModelType type, ReadModelType(model));
  ASSIGN_OR_RETURN(const JsonValue vocabulary, model.Get("vocab"));
  if (type != TokenizerModelType::kUnigram) {
    ASSIGN_OR_RETURN(spec.vocabulary, ReadVocabulary(vocabulary));
  }
  ASSIGN_OR_RETURN(const PreTokenizer pre_tokenizer, ReadPreTokenizer(root));
  switch (type) {
    case TokenizerModelType::kBpe: {
      ByteLevelBpeSpec bpe;
      ASSIGN_OR_RETURN(bpe.options, ReadByteLevelBpeOptions(model, pre_tokenizer));
      ASSIGN_OR_RETURN(const JsonValue merges, model.Get("merges"));
      ASSIGN_OR_RETURN(bpe.merges, ReadMerges(merges));
      spec.model = std::move(bpe);
      break;
    }
    case TokenizerModelType::kWordPiece: {
      ASSIGN_OR_RETURN(spec.model, ReadWordPieceOptions(model, pre_tokenizer));
      break;
    }
    case TokenizerModelType::kUnigram: {
      const auto* metaspace = std::get_if<MetaspaceOptions>(&pre_tokenizer);
      if (metaspace == nullptr) {
        return model.Error("a Unigram model is supported behind the pre-tokenizer Metaspace only");
      }
      UnigramSpec unigram;
      ASSIGN_OR_RETURN(unigram.options, ReadUnigramOptions(model, *metaspace));
      ASSIGN_OR_RETURN(unigram.pieces,
                       ReadUnigramPieces(vocabulary, ScoreRounding::kSerde, spec.vocabulary));
      spec.model = std::move(unigram);
      break;
    }
  }
  ASSIGN_OR_RETURN(spec.normalizer, ReadNormalizer(root));
  ASSIGN_OR_RETURN(spec.specials, ReadPostProcessor(root));
  ASSIGN_OR_RETURN(spec.truncation_side, ReadTruncationSide(root));
  ASSIGN_OR_RETURN(const NumberedTokens numbered, ReadAddedTokens(root));
  std::vector<AddedToken> added;
  for (const auto& [id, token] : numbered) added.push_back(token);
  spec.added.Add(spec.vocabulary, added);
  RETURN_IF_ERROR(CheckAddedIds(numbered, spec, file.name() + ": added_tokens"));
  return spec;
}

}  // namespace embedserve
