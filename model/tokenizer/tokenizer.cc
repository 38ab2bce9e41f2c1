#include "model/tokenizer/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/pair_truncation.h"
#include "model/tokenizer/tokenizer_json.h"
#include "model/tokenizer/tokenizer_spec.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {

struct Tokenizer::Scratch::Buffers {
  NormalizerChain::Buffers normalizer;
  ByteLevelBpe::Buffers byte_level;
  WordPiece::Buffers word_piece;
  Unigram::Buffers unigram;
  WordCache cache;
  std::vector<int32_t> pair[2];  // ids of the two texts of a pair
};

// A text of a call, for messages: "texts[3]", "pairs[3].first".
struct TextPlace {
  std::string_view list;
  std::size_t index;
  std::string_view part;

  std::string Name() const { return fmt::format("{}[{}]{}", list, index, part); }
};

std::optional<std::string_view> BehindOwnPath(std::string_view message) {
  for (const std::string_view path : {"texts[0]", "pairs[0]"}) {
    if (message.starts_with(path)) return message.substr(path.size());
  }
  return std::nullopt;
}

Tokenizer::Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
Tokenizer::Scratch::~Scratch() = default;
Tokenizer::Scratch::Scratch(Scratch&&) noexcept = default;
Tokenizer::Scratch& Tokenizer::Scratch::operator=(Scratch&&) noexcept = default;

bool PrependsFirst(const TokenizerSpec& spec) {
  const auto* unigram = std::get_if<UnigramSpec>(&spec.model);
  return unigram != nullptr &&
         unigram->options.metaspace.prepend == MetaspaceOptions::Prepend::kFirst;
}

// text -> added tokens that are not normalised -> normaliser -> those that are -> model.
struct TokenizerImpl final : public Tokenizer {
  using Model = std::variant<ByteLevelBpe, WordPiece, Unigram>;
  // What TokenBatch::ends can count. A text adds far less at once: at most four ids for each of
  // NormalizerChain::kMaxBytes.
  static constexpr std::size_t kMaxIds = std::numeric_limits<int32_t>::max();
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  TokenizerImpl(TokenizerSpec from, Model compiled, AddedTokenMatcher raw, AddedTokenMatcher normal)
      : spec(std::move(from)),
        normalizer(spec.normalizer, spec.fast.plain_runs),
        model(std::move(compiled)),
        raw_matcher(std::move(raw)),
        normal_matcher(std::move(normal)) {
    follow_origin = PrependsFirst(spec);
    for (const auto& [token, id] : spec.vocabulary.entries()) Name(id, token);
    for (const auto& [id, token] : spec.added.tokens()) Name(id, token.content);
    for (const auto* ids : {&spec.specials.before, &spec.specials.after}) {
      for (const int32_t id : *ids) id_limit = std::max(id_limit, id + 1);
    }
    // Last: the first text finds in the processor's caches what the seeds took from the model.
    if (spec.fast.seeds) {
      seeds = std::visit([&](const auto& m) { return m.MakeSeeds(spec.vocabulary); }, model);
    }
  }

  void Name(int32_t id, const std::string& token) {
    id_limit = std::max(id_limit, id + 1);
    if (tokens.size() <= static_cast<std::size_t>(id)) {
      tokens.resize(static_cast<std::size_t>(id) + 1);
    }
    tokens[static_cast<std::size_t>(id)] = token;
  }

  absl::Status Encode(std::span<const std::string_view> texts, const TokenizeOptions& options,
                      Scratch& scratch, TokenBatch& out) const override {
    RETURN_IF_ERROR(CheckLimit(options, special_tokens()));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      RETURN_IF_ERROR(Check(texts[i], {"texts", i, ""}));
    }
    Prepare(scratch);
    const Mark mark(out);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      absl::Status appended =
          AppendText(texts[i], {"texts", i, ""}, options, *scratch.buffers_, out);
      if (appended.ok()) continue;
      mark.Restore(out);
      return appended;
    }
    return absl::OkStatus();
  }

  absl::Status EncodePairs(std::span<const TextPair> pairs, const TokenizeOptions& options,
                           Scratch& scratch, PairBatch& out) const override {
    RETURN_IF_ERROR(CheckLimit(options, spec.specials.pair_tokens()));
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      RETURN_IF_ERROR(Check(pairs[i].first, {"pairs", i, ".first"}));
      RETURN_IF_ERROR(Check(pairs[i].second, {"pairs", i, ".second"}));
    }
    Prepare(scratch);
    const Mark mark(out.tokens);
    const std::size_t types = out.type_ids.size();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      absl::Status appended = AppendPair(pairs[i], i, options, *scratch.buffers_, out);
      if (appended.ok()) continue;
      mark.Restore(out.tokens);
      out.type_ids.resize(types);
      return appended;
    }
    return absl::OkStatus();
  }

  // What a batch held before a call that may fail.
  class Mark {
   public:
    explicit Mark(const TokenBatch& batch) : ids_(batch.ids.size()), texts_(batch.ends.size()) {}
    void Restore(TokenBatch& batch) const {
      batch.ids.resize(ids_);
      batch.ends.resize(texts_);
      batch.truncated.resize(texts_);
    }

   private:
    std::size_t ids_;
    std::size_t texts_;
  };

  static absl::Status CheckLimit(const TokenizeOptions& options, int special_tokens) {
    const int specials = options.add_special_tokens ? special_tokens : 0;
    if (options.max_length == 0 || (options.max_length > 0 && options.max_length >= specials)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        fmt::format("max_length is {}; expected 0 (no limit) or at least the {} special tokens",
                    options.max_length, specials));
  }

  static absl::Status Check(std::string_view text, const TextPlace& place) {
    if (const auto offset = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(
          fmt::format("{} is not valid UTF-8 at byte {}", place.Name(), *offset));
    }
    if (text.size() > kMaxTextBytes) {
      return absl::InvalidArgumentError(
          fmt::format("{} has {} bytes; expected at most {}: cut it, for a model reads its first "
                      "or last tokens only",
                      place.Name(), text.size(), kMaxTextBytes));
    }
    return absl::OkStatus();
  }

  void Prepare(Scratch& scratch) const {
    scratch.buffers_->cache.BelongTo({.tokenizer = serial,
                                      .seeds = seeds.empty() ? nullptr : &seeds,
                                      .enabled = spec.fast.word_cache});
  }

  // Ids that a text or a pair may have beside its special tokens.
  static std::size_t Room(const TokenizeOptions& options, int special_tokens) {
    if (options.max_length == 0) return kNoLimit;
    return static_cast<std::size_t>(options.max_length -
                                    (options.add_special_tokens ? special_tokens : 0));
  }

  absl::Status AppendText(std::string_view text, const TextPlace& place,
                          const TokenizeOptions& options, Scratch::Buffers& buffers,
                          TokenBatch& out) const {
    const auto& [before, after, pair] = spec.specials;
    if (options.add_special_tokens) out.ids.insert(out.ids.end(), before.begin(), before.end());
    const std::size_t begin = out.ids.size();
    const std::size_t room = Room(options, special_tokens());
    const bool may_stop = options.max_length > 0 && options.truncation_side == TruncationSide::kEnd;
    RETURN_IF_ERROR(AppendContent(text, place, options.split_special_tokens,
                                  may_stop ? begin + room : kNoLimit, buffers, out.ids));
    const std::size_t count = out.ids.size() - begin;
    if (count > room) {
      const auto cut = out.ids.begin() +
                       static_cast<std::ptrdiff_t>(
                           options.truncation_side == TruncationSide::kEnd ? begin + room : begin);
      out.ids.erase(cut, cut + static_cast<std::ptrdiff_t>(count - room));
    }
    if (options.add_special_tokens) out.ids.insert(out.ids.end(), after.begin(), after.end());
    return Close(place, count > room, out);
  }

  // Without early stop: which text is cut depends on the lengths of both.
  absl::Status AppendPair(const TextPair& pair, std::size_t index, const TokenizeOptions& options,
                          Scratch::Buffers& buffers, PairBatch& out) const {
    auto& [first, second] = buffers.pair;
    first.clear();
    second.clear();
    RETURN_IF_ERROR(AppendContent(pair.first, {"pairs", index, ".first"},
                                  options.split_special_tokens, kNoLimit, buffers, first));
    RETURN_IF_ERROR(AppendContent(pair.second, {"pairs", index, ".second"},
                                  options.split_special_tokens, kNoLimit, buffers, second));
    const PairLengths all = {first.size(), second.size()};
    PairLengths kept = all;
    if (options.max_length > 0) {
      const auto cut =
          TruncatePair(all, Room(options, spec.specials.pair_tokens()), options.pair_truncation);
      if (!cut.has_value()) {
        return absl::InvalidArgumentError(fmt::format(
            "pairs[{}]: its texts have {} and {} tokens; to fit them into {} by cutting one alone "
            "would leave nothing of it",
            index, all.first, all.second, options.max_length));
      }
      kept = *cut;
    }
    const auto part = [&](const std::vector<int32_t>& ids, std::size_t count) {
      return options.truncation_side == TruncationSide::kEnd ? std::span(ids).first(count)
                                                             : std::span(ids).last(count);
    };
    Join(part(first, kept.first), part(second, kept.second), options.add_special_tokens, out);
    return Close({"pairs", index, ""}, kept != all, out.tokens);
  }

  void Join(std::span<const int32_t> first, std::span<const int32_t> second,
            bool add_special_tokens, PairBatch& out) const {
    using Kind = SpecialTokens::PairPiece::Kind;
    for (const SpecialTokens::PairPiece& piece : spec.specials.pair) {
      std::span<const int32_t> ids = piece.kind == Kind::kFirst ? first : second;
      if (piece.kind == Kind::kToken) ids = std::span(&piece.id, add_special_tokens ? 1 : 0);
      out.tokens.ids.insert(out.tokens.ids.end(), ids.begin(), ids.end());
      out.type_ids.resize(out.tokens.ids.size(), piece.type_id);
    }
  }

  static absl::Status Close(const TextPlace& place, bool truncated, TokenBatch& out) {
    if (out.ids.size() > kMaxIds) {
      return absl::InvalidArgumentError(
          fmt::format("{}: with it the texts of one call have more than {} tokens; divide them",
                      place.Name(), kMaxIds));
    }
    out.ends.push_back(static_cast<int32_t>(out.ids.size()));
    out.truncated.push_back(truncated);
    return absl::OkStatus();
  }

  // Stops early, after a word, once there are more than `enough` ids.
  absl::Status AppendContent(std::string_view text, const TextPlace& place,
                             bool split_special_tokens, std::size_t enough,
                             Scratch::Buffers& buffers, std::vector<int32_t>& ids) const {
    const bool as_text = split_special_tokens || spec.split_special_tokens;
    bool fits = true;
    raw_matcher.Split(text, as_text, [&](std::string_view piece, int32_t added) {
      if (added >= 0) {
        ids.push_back(added);
        return ids.size() <= enough;
      }
      std::size_t origin = piece.data() == text.data() ? ScalarAt(piece, 0).size : 0;
      const std::optional<std::string_view> normal =
          normalizer.Apply(piece, buffers.normalizer, follow_origin ? &origin : nullptr);
      fits = normal.has_value();
      if (!fits) return false;
      return normal_matcher.Split(*normal, as_text, [&](std::string_view segment, int32_t id) {
        if (id >= 0) {
          ids.push_back(id);
        } else {
          const auto begin = static_cast<std::size_t>(segment.data() - normal->data());
          AppendSegment(segment, origin - std::min(begin, origin), enough, buffers, ids);
        }
        return ids.size() <= enough;
      });
    });
    if (fits) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{}: the tokenizer's normalizer makes more than {} bytes of its {}; cut it",
                    place.Name(), NormalizerChain::kMaxBytes, text.size()));
  }

  // `origin`: bytes of the segment that stem from the text's first character.
  void AppendSegment(std::string_view segment, std::size_t origin, std::size_t enough,
                     Scratch::Buffers& buffers, std::vector<int32_t>& ids) const {
    if (const auto* bpe = std::get_if<ByteLevelBpe>(&model)) {
      bpe->Append(segment, enough, buffers.cache, buffers.byte_level, ids);
    } else if (const auto* word_piece = std::get_if<WordPiece>(&model)) {
      word_piece->Append(segment, enough, buffers.cache, buffers.word_piece, ids);
    } else {
      std::get<Unigram>(model).AppendStart(segment, origin, enough, buffers.cache, buffers.unigram,
                                           ids);
    }
  }

  int special_tokens() const override {
    return static_cast<int>(spec.specials.before.size() + spec.specials.after.size());
  }
  int vocabulary_size() const override { return id_limit; }
  std::string_view Token(int32_t id) const override {
    if (id < 0 || static_cast<std::size_t>(id) >= tokens.size()) return "";
    return tokens[static_cast<std::size_t>(id)];
  }
  bool ends_with_special_token() const override { return !spec.specials.after.empty(); }
  std::optional<int64_t> model_max_length() const override { return spec.model_max_length; }
  TruncationSide default_truncation_side() const override { return spec.truncation_side; }
  const std::vector<std::string>& warnings() const override { return spec.warnings; }

  // Numbers the tokenizers of this process, so that a Scratch knows whose words it remembers; an
  // address could come back.
  static uint64_t NextSerial() {
    static std::atomic<uint64_t> last = 0;
    return ++last;
  }

  TokenizerSpec spec;
  NormalizerChain normalizer;
  Model model;
  Seeds seeds;
  AddedTokenMatcher raw_matcher;
  AddedTokenMatcher normal_matcher;
  std::vector<std::string> tokens;  // by id
  int32_t id_limit = 0;
  bool follow_origin = false;  // the model asks what stems from a text's first character
  uint64_t serial = NextSerial();
};

namespace {

absl::StatusOr<TokenizerImpl::Model> CompileModel(const TokenizerSpec& spec) {
  if (const auto* bpe = std::get_if<ByteLevelBpeSpec>(&spec.model)) {
    return ByteLevelBpe::Build(spec.vocabulary, bpe->merges, bpe->options, spec.fast);
  }
  if (const auto* unigram = std::get_if<UnigramSpec>(&spec.model)) {
    return Unigram::Build(unigram->pieces, unigram->options, spec.fast);
  }
  return WordPiece::Build(spec.vocabulary, std::get<WordPieceOptions>(spec.model), spec.fast);
}

absl::StatusOr<AddedTokenMatcher> CompileMatcher(const TokenizerSpec& spec, bool normalized) {
  const NormalizerChain normalizer(spec.normalizer, spec.fast.plain_runs);
  NormalizerChain::Buffers buffers;
  std::vector<AddedTokenMatcher::Pattern> patterns;
  for (const auto& [id, token] : spec.added.tokens()) {
    if (token.normalized != normalized) continue;
    std::optional<std::string_view> text = token.content;
    if (normalized) text = normalizer.Apply(token.content, buffers);
    if (!text.has_value()) {
      return Refuse("the normal form of the added token '{}' is longer than {} bytes",
                    token.content, NormalizerChain::kMaxBytes);
    }
    patterns.push_back({std::string(*text), id, token, spec.added.IsSpecial(token.content)});
  }
  return AddedTokenMatcher::Build(patterns);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Compile(TokenizerSpec spec) {
  const auto is_over_characters = [](const TextStep& step) {
    return std::holds_alternative<NormalizerStep>(step);
  };
  if (PrependsFirst(spec) &&
      std::any_of(spec.normalizer.begin(), spec.normalizer.end(), is_over_characters)) {
    return Refuse(
        "Metaspace with \"prepend_scheme\": \"first\" is supported behind the normalizers "
        "Precompiled, Prepend, Replace and Strip only; expected these, or \"always\" or \"never\"");
  }
  ASSIGN_OR_RETURN(TokenizerImpl::Model model, CompileModel(spec));
  ASSIGN_OR_RETURN(AddedTokenMatcher raw, CompileMatcher(spec, /*normalized=*/false));
  ASSIGN_OR_RETURN(AddedTokenMatcher normal, CompileMatcher(spec, /*normalized=*/true));
  if (auto* bpe = std::get_if<ByteLevelBpeSpec>(&spec.model)) bpe->merges = {};
  if (auto* unigram = std::get_if<UnigramSpec>(&spec.model)) unigram->pieces = {};
  return std::make_unique<TokenizerImpl>(std::move(spec), std::move(model), std::move(raw),
                                         std::move(normal));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> CompileTokenizer(TokenizerSpec spec,
                                                                  const std::string& name) {
  auto tokenizer = Compile(std::move(spec));
  if (tokenizer.ok()) return tokenizer;
  return absl::Status(tokenizer.status().code(),
                      fmt::format("{}: {}", name, std::string(tokenizer.status().message())));
}

namespace {

// The file's tree is gone before the model is compiled: both are large.
absl::StatusOr<std::unique_ptr<const Tokenizer>> FromJsonFile(std::unique_ptr<const JsonFile> file,
                                                              const FastPaths& fast) {
  ASSIGN_OR_RETURN(TokenizerSpec spec, ReadTokenizerJson(*file));
  spec.fast = fast;
  const std::string name = file->name();
  file.reset();
  return CompileTokenizer(std::move(spec), name);
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromFile(
    const std::filesystem::path& tokenizer_json, const FastPaths& fast) {
  ASSIGN_OR_RETURN(auto file, JsonFile::Read(tokenizer_json));
  return FromJsonFile(std::move(file), fast);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromJson(std::string_view json,
                                                                     std::string name,
                                                                     const FastPaths& fast) {
  ASSIGN_OR_RETURN(auto file, JsonFile::Parse(json, std::move(name)));
  return FromJsonFile(std::move(file), fast);
}

}  // namespace embedserve
