#include "model/tokenizer/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/tokenizer_json.h"
#include "model/tokenizer/tokenizer_spec.h"

namespace embedserve {

struct Tokenizer::Scratch::Buffers {
  NormalizerChain::Buffers normalizer;
  ByteLevelBpe::Buffers byte_level;
  WordPiece::Buffers word_piece;
  Unigram::Buffers unigram;
  WordCache cache;
};

Tokenizer::Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
Tokenizer::Scratch::~Scratch() = default;
Tokenizer::Scratch::Scratch(Scratch&&) noexcept = default;
Tokenizer::Scratch& Tokenizer::Scratch::operator=(Scratch&&) noexcept = default;

// text -> added tokens that are not normalised -> normaliser -> those that are -> model.
struct TokenizerImpl final : public Tokenizer {
  using Model = std::variant<ByteLevelBpe, WordPiece, Unigram>;
  // What TokenBatch::ends can count. A text adds far less at once: at most four ids for each of
  // NormalizerChain::kMaxBytes.
  static constexpr std::size_t kMaxIds = std::numeric_limits<int32_t>::max();

  TokenizerImpl(TokenizerSpec from, Model compiled, AddedTokenMatcher raw, AddedTokenMatcher normal)
      : spec(std::move(from)),
        normalizer(spec.normalizer, spec.fast.plain_runs),
        model(std::move(compiled)),
        raw_matcher(std::move(raw)),
        normal_matcher(std::move(normal)) {
    if (spec.fast.seeds) {
      seeds = std::visit([&](const auto& m) { return m.MakeSeeds(spec.vocabulary); }, model);
    }
    for (const auto& [token, id] : spec.vocabulary.entries()) Name(id, token);
    for (const auto& [id, token] : spec.added.tokens()) Name(id, token.content);
    for (const auto* ids : {&spec.specials.before, &spec.specials.after}) {
      for (const int32_t id : *ids) id_limit = std::max(id_limit, id + 1);
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
    const int specials = options.add_special_tokens ? special_tokens() : 0;
    if (options.max_length < 0 || (options.max_length > 0 && options.max_length < specials)) {
      return absl::InvalidArgumentError(
          fmt::format("max_length is {}; expected 0 (no limit) or at least the {} special tokens",
                      options.max_length, specials));
    }
    for (std::size_t i = 0; i < texts.size(); ++i) RETURN_IF_ERROR(Check(texts[i], i));
    scratch.buffers_->cache.BelongTo({.tokenizer = serial,
                                      .seeds = seeds.empty() ? nullptr : &seeds,
                                      .enabled = spec.fast.word_cache});
    const std::size_t ids = out.ids.size();
    const std::size_t ends = out.ends.size();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      absl::Status appended = AppendText(texts[i], i, options, *scratch.buffers_, out);
      if (appended.ok()) continue;
      out.ids.resize(ids);
      out.ends.resize(ends);
      out.truncated.resize(ends);
      return appended;
    }
    return absl::OkStatus();
  }

  static absl::Status Check(std::string_view text, std::size_t index) {
    if (const auto offset = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(
          fmt::format("texts[{}] is not valid UTF-8 at byte {}", index, *offset));
    }
    if (text.size() > kMaxTextBytes) {
      return absl::InvalidArgumentError(
          fmt::format("texts[{}] has {} bytes; expected at most {}: cut it, for a model reads its "
                      "first or last tokens only",
                      index, text.size(), kMaxTextBytes));
    }
    return absl::OkStatus();
  }

  absl::Status AppendText(std::string_view text, std::size_t index, const TokenizeOptions& options,
                          Scratch::Buffers& buffers, TokenBatch& out) const {
    const auto& [before, after] = spec.specials;
    if (options.add_special_tokens) out.ids.insert(out.ids.end(), before.begin(), before.end());
    const std::size_t begin = out.ids.size();
    const std::size_t room =
        options.max_length == 0
            ? std::numeric_limits<std::size_t>::max()
            : static_cast<std::size_t>(options.max_length -
                                       (options.add_special_tokens ? special_tokens() : 0));
    const bool may_stop = options.max_length > 0 && options.truncation_side == TruncationSide::kEnd;
    if (!AppendContent(text, options.split_special_tokens,
                       may_stop ? begin + room : std::numeric_limits<std::size_t>::max(), buffers,
                       out.ids)) {
      return absl::InvalidArgumentError(
          fmt::format("texts[{}]: the tokenizer's normalizer makes more than {} bytes of its {}; "
                      "cut it",
                      index, NormalizerChain::kMaxBytes, text.size()));
    }
    const std::size_t count = out.ids.size() - begin;
    if (count > room) {
      const auto cut = out.ids.begin() +
                       static_cast<std::ptrdiff_t>(
                           options.truncation_side == TruncationSide::kEnd ? begin + room : begin);
      out.ids.erase(cut, cut + static_cast<std::ptrdiff_t>(count - room));
    }
    if (options.add_special_tokens) out.ids.insert(out.ids.end(), after.begin(), after.end());
    if (out.ids.size() > kMaxIds) {
      return absl::InvalidArgumentError(fmt::format(
          "texts[{}]: with it the texts of one call have more than {} tokens; divide them", index,
          kMaxIds));
    }
    out.ends.push_back(static_cast<int32_t>(out.ids.size()));
    out.truncated.push_back(count > room);
    return absl::OkStatus();
  }

  // Stops early, after a word, once there are more than `enough` ids. False if the normal form is
  // too long.
  bool AppendContent(std::string_view text, bool split_special_tokens, std::size_t enough,
                     Scratch::Buffers& buffers, std::vector<int32_t>& ids) const {
    const bool as_text = split_special_tokens || spec.split_special_tokens;
    bool fits = true;
    raw_matcher.Split(text, as_text, [&](std::string_view piece, int32_t added) {
      if (added >= 0) {
        ids.push_back(added);
        return ids.size() <= enough;
      }
      const std::optional<std::string_view> normal = normalizer.Apply(piece, buffers.normalizer);
      fits = normal.has_value();
      if (!fits) return false;
      return normal_matcher.Split(*normal, as_text, [&](std::string_view segment, int32_t id) {
        if (id >= 0) {
          ids.push_back(id);
        } else {
          AppendSegment(segment, enough, buffers, ids);
        }
        return ids.size() <= enough;
      });
    });
    return fits;
  }

  void AppendSegment(std::string_view segment, std::size_t enough, Scratch::Buffers& buffers,
                     std::vector<int32_t>& ids) const {
    if (const auto* bpe = std::get_if<ByteLevelBpe>(&model)) {
      bpe->Append(segment, enough, buffers.cache, buffers.byte_level, ids);
    } else if (const auto* word_piece = std::get_if<WordPiece>(&model)) {
      word_piece->Append(segment, enough, buffers.cache, buffers.word_piece, ids);
    } else {
      std::get<Unigram>(model).Append(segment, enough, buffers.cache, buffers.unigram, ids);
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

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromFile(
    const std::filesystem::path& tokenizer_json, const FastPaths& fast) {
  ASSIGN_OR_RETURN(const auto file, JsonFile::Read(tokenizer_json));
  ASSIGN_OR_RETURN(TokenizerSpec spec, ReadTokenizerJson(*file));
  spec.fast = fast;
  return CompileTokenizer(std::move(spec), file->name());
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromJson(std::string_view json,
                                                                     std::string name,
                                                                     const FastPaths& fast) {
  ASSIGN_OR_RETURN(const auto file, JsonFile::Parse(json, std::move(name)));
  ASSIGN_OR_RETURN(TokenizerSpec spec, ReadTokenizerJson(*file));
  spec.fast = fast;
  return CompileTokenizer(std::move(spec), file->name());
}

}  // namespace embedserve
