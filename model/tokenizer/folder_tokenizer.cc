// Tokenizer::FromFolder: what the reference's AutoTokenizer makes of a model folder (tokenizers.md
// 1).
#include <algorithm>
#include <memory>

#include "model/folder/file.h"
#include "model/folder/json.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/folder_tokens.h"
#include "model/tokenizer/sentencepiece_model.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tokenizer_class.h"
#include "model/tokenizer/tokenizer_json.h"
#include "model/tokenizer/tokenizer_spec.h"
#include "model/tokenizer/unigram_json.h"
#include "model/tokenizer/vocabulary_files.h"

namespace embedserve {
namespace {

constexpr std::string_view kModelFile = "sentencepiece.bpe.model";

using OptionalFile = std::unique_ptr<const JsonFile>;

absl::StatusOr<OptionalFile> ReadOptional(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const bool exists, FileExists(path));
  if (!exists) return nullptr;
  ASSIGN_OR_RETURN(OptionalFile file, JsonFile::Read(path));
  RETURN_IF_ERROR(file->RootObject().status());
  return file;
}

std::optional<JsonValue> Root(const OptionalFile& file) {
  if (file == nullptr) return std::nullopt;
  return file->root();
}

class FolderReader {
 public:
  FolderReader(const std::filesystem::path& directory, const FolderTokenizerOptions& options)
      : directory_(directory), options_(options) {}

  absl::StatusOr<TokenizerSpec> Read() {
    ASSIGN_OR_RETURN(config_file_, ReadOptional(directory_ / "config.json"));
    ASSIGN_OR_RETURN(tokenizer_config_file_, ReadOptional(directory_ / "tokenizer_config.json"));
    ASSIGN_OR_RETURN(tokenizer_file_, ReadOptional(directory_ / "tokenizer.json"));
    tokenizer_config_ = Root(tokenizer_config_file_);
    tokenizer_json_ = Root(tokenizer_file_);
    std::string model_type = options_.model_type;
    if (model_type.empty() && config_file_ != nullptr) {
      ASSIGN_OR_RETURN(const auto named, config_file_->root().OptionalString("model_type"));
      model_type = named.value_or("");
    }
    ASSIGN_OR_RETURN(class_,
                     ResolveTokenizerClass(tokenizer_config_, Root(config_file_), model_type));
    if (tokenizer_file_ == nullptr) RETURN_IF_ERROR(ReadModelFile());
    ASSIGN_OR_RETURN(tokens_, ReadFolderTokens(directory_, tokenizer_config_, tokenizer_json_,
                                               class_, AddedPieces()));
    RETURN_IF_ERROR(ReadModel());
    spec_.added.Add(spec_.vocabulary, tokens_.ToAdd(spec_.added));
    RETURN_IF_ERROR(CheckAddedIds(tokens_.numbered, spec_, tokens_.numbered_in));
    if (class_ != TokenizerClass::kAsItStands) {
      RETURN_IF_ERROR(SetSpecials());
      if (tokenizer_json_.has_value()) WarnOfDifferences();
    }
    RETURN_IF_ERROR(ReadSettings());
    LowerCaseFirst();
    return std::move(spec_);
  }

 private:
  absl::Status ReadModel() {
    switch (class_) {
      case TokenizerClass::kBert:
      case TokenizerClass::kMpnet:
        return ReadWordPiece();
      case TokenizerClass::kRoberta:
        return ReadByteLevelBpe();
      case TokenizerClass::kXlmRoberta:
      case TokenizerClass::kCamembert:
        return ReadUnigram();
      case TokenizerClass::kAsItStands:
        break;
    }
    if (tokenizer_file_ == nullptr) {
      return Refuse("{}: has no tokenizer.json, which the tokenizer class {} needs",
                    directory_.string(), Name(class_));
    }
    ASSIGN_OR_RETURN(spec_, ReadTokenizerJson(*tokenizer_file_));
    return absl::OkStatus();
  }

  // `model` of tokenizer.json, of the type that the class needs.
  absl::StatusOr<JsonValue> ModelOfType(TokenizerModelType wanted) {
    ASSIGN_OR_RETURN(const JsonValue model, tokenizer_json_->Get("model"));
    ASSIGN_OR_RETURN(const TokenizerModelType type, ReadModelType(model));
    if (type != wanted) {
      return model.Error(fmt::format(
          "its model type is not that of {}, the folder's tokenizer class; set "
          "\"tokenizer_class\" in tokenizer_config.json to the class that made the file",
          Name(class_)));
    }
    return model;
  }

  absl::Status ReadWordPiece() {
    if (tokenizer_json_.has_value()) {
      ASSIGN_OR_RETURN(const JsonValue model, ModelOfType(TokenizerModelType::kWordPiece));
      ASSIGN_OR_RETURN(const JsonValue vocabulary, model.Get("vocab"));
      ASSIGN_OR_RETURN(spec_.vocabulary, ReadVocabulary(vocabulary));
    } else {
      ASSIGN_OR_RETURN(spec_.vocabulary, ReadVocabularyText(directory_ / "vocab.txt"));
    }
    WordPieceOptions options;
    ASSIGN_OR_RETURN(options.unk_token, Required(SpecialRole::kUnk, "unk_token"));
    spec_.model = options;
    ASSIGN_OR_RETURN(const bool lower_case, Flag("do_lower_case", true));
    ASSIGN_OR_RETURN(const bool cjk, Flag("tokenize_chinese_chars", true));
    bool strip_accents = lower_case;
    if (tokenizer_config_.has_value()) {
      ASSIGN_OR_RETURN(strip_accents, tokenizer_config_->BoolOr("strip_accents", lower_case));
    }
    spec_.normalizer = {NormalizerStep::Bert(/*clean_text=*/true, cjk, strip_accents, lower_case)};
    return absl::OkStatus();
  }

  absl::Status ReadByteLevelBpe() {
    ByteLevelBpeSpec bpe;
    if (tokenizer_json_.has_value()) {
      ASSIGN_OR_RETURN(const JsonValue model, ModelOfType(TokenizerModelType::kBpe));
      ASSIGN_OR_RETURN(const JsonValue vocabulary, model.Get("vocab"));
      ASSIGN_OR_RETURN(spec_.vocabulary, ReadVocabulary(vocabulary));
      ASSIGN_OR_RETURN(const JsonValue merges, model.Get("merges"));
      ASSIGN_OR_RETURN(bpe.merges, ReadMerges(merges));
    } else {
      ASSIGN_OR_RETURN(const auto vocabulary, JsonFile::Read(directory_ / "vocab.json"));
      ASSIGN_OR_RETURN(spec_.vocabulary, ReadVocabulary(vocabulary->root()));
      ASSIGN_OR_RETURN(bpe.merges, ReadMergesText(directory_ / "merges.txt"));
    }
    ASSIGN_OR_RETURN(bpe.options.add_prefix_space, Flag("add_prefix_space", false));
    spec_.model = std::move(bpe);
    return absl::OkStatus();
  }

  bool IsUnigram() const {
    return class_ == TokenizerClass::kXlmRoberta || class_ == TokenizerClass::kCamembert;
  }

  // sentencepiece.bpe.model, where there is no tokenizer.json.
  absl::Status ReadModelFile() {
    // The reference takes the first of these in place of the file that the class names.
    for (const std::string_view other : {"tekken.json", "tiktoken.model", "tokenizer.model"}) {
      ASSIGN_OR_RETURN(const bool exists, FileExists(directory_ / other));
      if (exists) {
        return Refuse(
            "{}: is not supported; save the folder's tokenizer as tokenizer.json with transformers "
            "5, or remove the file if the model does not need it",
            (directory_ / other).string());
      }
    }
    if (!IsUnigram()) return absl::OkStatus();
    const std::filesystem::path path = directory_ / kModelFile;
    ASSIGN_OR_RETURN(const bool exists, FileExists(path));
    if (!exists) {
      return Refuse(
          "{}: has neither tokenizer.json nor sentencepiece.bpe.model, one of which the tokenizer "
          "class {} needs",
          directory_.string(), Name(class_));
    }
    ASSIGN_OR_RETURN(model_file_, ReadSentencePieceModel(path));
    return absl::OkStatus();
  }

  // The pieces of the model file that are tokens of their own.
  std::optional<std::vector<AddedToken>> AddedPieces() const {
    if (!model_file_.has_value()) return std::nullopt;
    std::vector<AddedToken> tokens;
    for (const SentencePieceModel::Piece& piece : model_file_->pieces) {
      const bool control = piece.kind == SentencePieceModel::Kind::kControl;
      if (!control && piece.kind != SentencePieceModel::Kind::kUserDefined) continue;
      tokens.push_back({.content = piece.text, .normalized = false, .special = control});
    }
    return tokens;
  }

  // Of the file come pieces and charsmap; the rest is the class's own, <unk>'s id too.
  absl::Status ReadUnigram() {
    UnigramSpec unigram;
    if (tokenizer_json_.has_value()) {
      ASSIGN_OR_RETURN(const JsonValue model, ModelOfType(TokenizerModelType::kUnigram));
      ASSIGN_OR_RETURN(const JsonValue vocabulary, model.Get("vocab"));
      ASSIGN_OR_RETURN(unigram.pieces,
                       ReadUnigramPieces(vocabulary, ScoreRounding::kNearest, spec_.vocabulary));
      ASSIGN_OR_RETURN(std::optional<TextStep> charsmap, FindCharsmap(*tokenizer_json_));
      if (charsmap.has_value()) spec_.normalizer = {*std::move(charsmap)};
    } else {
      ASSIGN_OR_RETURN(unigram.pieces, PiecesOfModelFile());
      for (const auto& [piece, score] : unigram.pieces) {
        RETURN_IF_ERROR(spec_.vocabulary.Append(piece));
      }
      if (!model_file_->charsmap.empty()) {
        auto charsmap = Charsmap::Parse(model_file_->charsmap);
        if (!charsmap.ok()) {
          return Refuse("{}: normalizer_spec: {}", (directory_ / kModelFile).string(),
                        std::string(charsmap.status().message()));
        }
        spec_.normalizer = {ApplyCharsmap{*std::move(charsmap)}};
      }
    }
    unigram.options.unk_id = 3;
    if (class_ == TokenizerClass::kCamembert) {
      ASSIGN_OR_RETURN(const std::string unk, Required(SpecialRole::kUnk, "unk_token"));
      const auto found = std::find_if(unigram.pieces.begin(), unigram.pieces.end(),
                                      [&](const auto& piece) { return piece.first == unk; });
      unigram.options.unk_id =
          found == unigram.pieces.end() ? 0 : static_cast<int32_t>(found - unigram.pieces.begin());
    }
    ASSIGN_OR_RETURN(const bool prefix, Flag("add_prefix_space", true));
    if (!prefix) unigram.options.metaspace.prepend = MetaspaceOptions::Prepend::kNever;
    spec_.model = std::move(unigram);
    return absl::OkStatus();
  }

  // The class's special tokens with score 0 in front, where fairseq had them, and <mask> behind.
  absl::StatusOr<UnigramPieces> PiecesOfModelFile() {
    const auto& pieces = model_file_->pieces;
    ASSIGN_OR_RETURN(const std::string pad, Required(SpecialRole::kPad, "pad_token"));
    ASSIGN_OR_RETURN(const std::string unk, Required(SpecialRole::kUnk, "unk_token"));
    ASSIGN_OR_RETURN(const std::string mask, Required(SpecialRole::kMask, "mask_token"));
    UnigramPieces all;
    std::size_t replaced = 1;  // first pieces of the file, which those in front stand for
    if (class_ == TokenizerClass::kCamembert) {
      all = {{"<s>NOTUSED", 0}, {pad, 0}, {"</s>NOTUSED", 0}, {unk, 0}, {"<unk>NOTUSED", -100}};
    } else {
      ASSIGN_OR_RETURN(const std::string bos, Required(SpecialRole::kBos, "bos_token"));
      ASSIGN_OR_RETURN(const std::string eos, Required(SpecialRole::kEos, "eos_token"));
      all = {{bos, 0}, {pad, 0}, {eos, 0}, {unk, 0}};
      replaced = 3;
    }
    for (std::size_t i = replaced; i < pieces.size(); ++i) {
      all.emplace_back(pieces[i].text, pieces[i].score);
    }
    all.emplace_back(mask, 0);
    return all;
  }

  // A flag of tokenizer_config.json: absent means `otherwise`, null is no flag for these keys.
  absl::StatusOr<bool> Flag(std::string_view key, bool otherwise) {
    if (!tokenizer_config_.has_value()) return otherwise;
    ASSIGN_OR_RETURN(const auto value, tokenizer_config_->Find(key));
    return value.has_value() ? value->AsBool() : otherwise;
  }

  absl::StatusOr<std::string> Required(SpecialRole role, std::string_view key) {
    const auto& token = tokens_[role];
    if (!token.has_value()) {
      return Refuse("{}: {} is null; the tokenizer class {} needs it", directory_.string(), key,
                    Name(class_));
    }
    return token->content;
  }

  // <cls> A <sep>, for Unigram <bos> A <eos>, which every rebuilt class puts in place of the file's
  // post-processor.
  absl::Status SetSpecials() {
    const bool by_ends = IsUnigram();
    ASSIGN_OR_RETURN(const std::string cls, by_ends ? Required(SpecialRole::kBos, "bos_token")
                                                    : Required(SpecialRole::kCls, "cls_token"));
    ASSIGN_OR_RETURN(const std::string sep, by_ends ? Required(SpecialRole::kEos, "eos_token")
                                                    : Required(SpecialRole::kSep, "sep_token"));
    int32_t ends[2] = {};
    for (const auto& [token, end] : {std::pair(&cls, &ends[0]), std::pair(&sep, &ends[1])}) {
      if ((class_ == TokenizerClass::kBert || by_ends) &&
          (token->find_first_of(" :") != std::string::npos || token->starts_with('$'))) {
        return Refuse(
            "{}: the special token '{}' cannot stand in a template; expected no space, no colon "
            "and no leading $",
            directory_.string(), *token);
      }
      const std::optional<int32_t> id = spec_.added.Find(spec_.vocabulary, *token);
      if (!id.has_value()) {
        return Refuse("{}: the special token '{}' is empty", directory_.string(), *token);
      }
      *end = *id;
    }
    spec_.specials = class_ == TokenizerClass::kBert ? SpecialTokens::Bert(ends[0], ends[1])
                                                     : SpecialTokens::Roberta(ends[0], ends[1]);
    return absl::OkStatus();
  }

  absl::Status ReadSettings() {
    if (tokenizer_json_.has_value()) {
      ASSIGN_OR_RETURN(spec_.truncation_side, ReadTruncationSide(*tokenizer_json_));
    }
    if (!tokenizer_config_.has_value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(spec_.split_special_tokens,
                     tokenizer_config_->BoolOr("split_special_tokens", false));
    ASSIGN_OR_RETURN(const auto side, tokenizer_config_->Find("truncation_side"));
    if (side.has_value()) {
      ASSIGN_OR_RETURN(const std::string_view name, side->AsString());
      if (name != "left" && name != "right") return side->Error("expected \"left\" or \"right\"");
      spec_.truncation_side = name == "left" ? TruncationSide::kStart : TruncationSide::kEnd;
    }
    ASSIGN_OR_RETURN(const auto inputs, tokenizer_config_->Find("init_inputs"));
    if (inputs.has_value() && inputs->size() > 0) {
      return inputs->Error("positional arguments of the tokenizer are not supported; expected []");
    }
    return ReadMaxLength();
  }

  // Written as about 1e30 where there is no limit.
  absl::Status ReadMaxLength() {
    constexpr double kNoLimit = 9007199254740992.0;  // 2^53
    for (const std::string_view key : {"model_max_length", "max_len"}) {
      ASSIGN_OR_RETURN(const auto value, tokenizer_config_->Find(key));
      if (!value.has_value()) continue;
      ASSIGN_OR_RETURN(const double length, value->AsNumber());
      if (length >= kNoLimit) return absl::OkStatus();
      ASSIGN_OR_RETURN(spec_.model_max_length, value->AsInt(1, int64_t{1} << 53));
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // sentence_bert_config.json's do_lower_case: a step before all others, unless there is one
  // already.
  void LowerCaseFirst() {
    auto& steps = spec_.normalizer;
    if (!options_.lower_case_first) return;
    for (const TextStep& step : steps) {
      if (step == TextStep(NormalizerStep::Lowercase())) return;
    }
    std::vector<TextStep> lowered;
    lowered.emplace_back(NormalizerStep::Lowercase());
    for (const TextStep& step : steps) lowered.push_back(step);
    steps.swap(lowered);
  }

  // The reference ignores these parts of tokenizer.json; where they say something else, whoever
  // made the folder may not know it.
  void WarnOfDifferences() {
    const auto warn = [&](std::string_view key) {
      spec_.warnings.push_back(fmt::format(
          "{}: {} is not what the tokenizer class {} uses, and is ignored as in the reference; the "
          "class takes its settings from tokenizer_config.json",
          tokenizer_file_->name(), key, Name(class_)));
    };
    const auto normalizer = ReadNormalizer(*tokenizer_json_);
    if (!normalizer.ok() || *normalizer != spec_.normalizer) warn("normalizer");
    PreTokenizer expected = BertPreTokenizer();
    if (const auto* bpe = std::get_if<ByteLevelBpeSpec>(&spec_.model)) {
      expected = ByteLevelPreTokenizer{bpe->options.add_prefix_space};
    }
    if (const auto* unigram = std::get_if<UnigramSpec>(&spec_.model)) {
      expected = unigram->options.metaspace;
    }
    const auto pre_tokenizer = ReadPreTokenizer(*tokenizer_json_);
    if (!pre_tokenizer.ok() || *pre_tokenizer != expected) warn("pre_tokenizer");
    const auto specials = ReadPostProcessor(*tokenizer_json_);
    // How it joins two texts matters to nobody who embeds them one by one.
    if (!specials.ok() || specials->before != spec_.specials.before ||
        specials->after != spec_.specials.after) {
      warn("post_processor");
    }
    if (pre_tokenizer.ok() && !SameModel(*pre_tokenizer)) warn("model");
  }

  // Whether the file's own model settings are those of the class.
  bool SameModel(const PreTokenizer& pre_tokenizer) {
    const auto model = tokenizer_json_->Get("model");
    if (!model.ok()) return false;
    if (const auto* mine = std::get_if<WordPieceOptions>(&spec_.model)) {
      const auto theirs = ReadWordPieceOptions(*model, pre_tokenizer);
      return theirs.ok() && *theirs == *mine;
    }
    if (const auto* unigram = std::get_if<UnigramSpec>(&spec_.model)) {
      const auto theirs = ReadUnigramOptions(*model, unigram->options.metaspace);
      return theirs.ok() && *theirs == unigram->options;
    }
    const auto theirs = ReadByteLevelBpeOptions(*model, pre_tokenizer);
    return theirs.ok() && *theirs == std::get<ByteLevelBpeSpec>(spec_.model).options;
  }

  const std::filesystem::path& directory_;
  const FolderTokenizerOptions& options_;
  OptionalFile config_file_;
  OptionalFile tokenizer_config_file_;
  OptionalFile tokenizer_file_;
  std::optional<JsonValue> tokenizer_config_;
  std::optional<JsonValue> tokenizer_json_;
  std::optional<SentencePieceModel> model_file_;
  TokenizerClass class_ = TokenizerClass::kAsItStands;
  FolderTokens tokens_;
  TokenizerSpec spec_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromFolder(
    const std::filesystem::path& directory, const FolderTokenizerOptions& options) {
  ASSIGN_OR_RETURN(TokenizerSpec spec, FolderReader(directory, options).Read());
  spec.fast = options.fast;
  return CompileTokenizer(std::move(spec), directory.string());
}

}  // namespace embedserve
