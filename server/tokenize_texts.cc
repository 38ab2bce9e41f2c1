#include "server/tokenize_texts.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "server/status_details.h"

namespace embedserve {
namespace {

// Up to here a hand-over to another thread costs more than it saves.
constexpr std::size_t kMostInlineTexts = 8;
constexpr std::size_t kMostInlineBytes = 16'384;
constexpr std::size_t kChunkTexts = 64;

// A distinct text and where it first stands in the request.
struct DistinctText {
  std::string_view text;
  uint32_t group;
  uint32_t index;  // within its group
};

class TokenizeRun : public std::enable_shared_from_this<TokenizeRun> {
 public:
  TokenizeRun(const Model& model, std::vector<TextGroup> groups,
              const TokenizeTextsOptions& options,
              absl::AnyInvocable<void(absl::StatusOr<TokenizedTexts>)> done)
      : model_(model), groups_(std::move(groups)), options_(options), done_(std::move(done)) {}

  void Start(TaskPool& tasks, Tokenizer::Scratch& scratch);

 private:
  // Distinct texts [first, last) of one group.
  struct Chunk {
    std::size_t first = 0;
    std::size_t last = 0;
    TokenBatch tokens;
    std::vector<int32_t> pooling_start;
    absl::Status status;
  };

  void FindDistinct();
  void CutIntoChunks();
  void RunChunk(Chunk& chunk, Tokenizer::Scratch& scratch);
  absl::Status Tokenize(std::span<const std::string_view> texts, std::string_view prompt,
                        Tokenizer::Scratch& scratch, Chunk& chunk) const;
  absl::Status ExplainFailure(const Chunk& chunk, Tokenizer::Scratch& scratch) const;
  absl::Status CheckLengths(const Chunk& chunk) const;
  std::string Path(const DistinctText& text) const;
  std::optional<TruncationSide> Side() const;
  void Finish();

  const Model& model_;
  const std::vector<TextGroup> groups_;
  const TokenizeTextsOptions options_;
  absl::AnyInvocable<void(absl::StatusOr<TokenizedTexts>)> done_;
  std::vector<DistinctText> distinct_;
  std::vector<uint32_t> row_of_;
  std::vector<Chunk> chunks_;
  std::atomic<std::size_t> unfinished_{0};
};

void TokenizeRun::Start(TaskPool& tasks, Tokenizer::Scratch& scratch) {
  FindDistinct();
  CutIntoChunks();
  std::size_t bytes = 0;
  for (const DistinctText& text : distinct_) {
    bytes += text.text.size() + groups_[text.group].prompt.size();
  }
  unfinished_ = chunks_.size();
  if (distinct_.size() <= kMostInlineTexts && bytes <= kMostInlineBytes) {
    for (Chunk& chunk : chunks_) RunChunk(chunk, scratch);
    return;
  }
  // By index: the last chunk may finish, and with it the run, before this loop has ended.
  const std::size_t chunks = chunks_.size();
  for (std::size_t i = 0; i < chunks; ++i) {
    tasks.Post([run = shared_from_this(), i](Tokenizer::Scratch& own) {
      run->RunChunk(run->chunks_[i], own);
    });
  }
}

// Texts of different groups are the same if their prompts are.
void TokenizeRun::FindDistinct() {
  std::vector<std::unordered_map<std::string_view, uint32_t>> known(groups_.size());
  for (uint32_t g = 0; g < groups_.size(); ++g) {
    uint32_t home = g;
    for (uint32_t earlier = 0; earlier < g; ++earlier) {
      if (groups_[earlier].prompt == groups_[g].prompt) home = std::min(home, earlier);
    }
    for (uint32_t i = 0; i < groups_[g].texts.size(); ++i) {
      const std::string_view text = groups_[g].texts[i];
      const auto [found, is_new] =
          known[home].try_emplace(text, static_cast<uint32_t>(distinct_.size()));
      if (is_new) distinct_.push_back({.text = text, .group = g, .index = i});
      row_of_.push_back(found->second);
    }
  }
}

void TokenizeRun::CutIntoChunks() {
  for (std::size_t first = 0; first < distinct_.size();) {
    std::size_t last = first;
    while (last < distinct_.size() && last - first < kChunkTexts &&
           distinct_[last].group == distinct_[first].group) {
      ++last;
    }
    chunks_.push_back({.first = first, .last = last});
    first = last;
  }
}

void TokenizeRun::RunChunk(Chunk& chunk, Tokenizer::Scratch& scratch) {
  std::vector<std::string_view> texts;
  for (std::size_t i = chunk.first; i < chunk.last; ++i) texts.push_back(distinct_[i].text);
  const std::string& prompt = groups_[distinct_[chunk.first].group].prompt;
  chunk.status = Tokenize(texts, prompt, scratch, chunk);
  if (!chunk.status.ok()) {
    chunk.status = ExplainFailure(chunk, scratch);
  } else if (options_.overlong == OverlongTexts::kRefuse) {
    chunk.status = CheckLengths(chunk);
  }
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) Finish();
}

absl::Status TokenizeRun::Tokenize(std::span<const std::string_view> texts, std::string_view prompt,
                                   Tokenizer::Scratch& scratch, Chunk& chunk) const {
  if (options_.special_tokens) {
    return model_.Tokenize(texts, prompt, Side(), scratch, chunk.tokens, chunk.pooling_start);
  }
  std::vector<std::string> prompted;
  for (const std::string_view text : texts) prompted.push_back(std::string(prompt).append(text));
  const std::vector<std::string_view> views(prompted.begin(), prompted.end());
  const Tokenizer& tokenizer = model_.tokenizer();
  return tokenizer.Encode(views,
                          {.max_length = model_.folder().max_sequence_length,
                           .truncation_side = Side().value_or(tokenizer.default_truncation_side()),
                           .add_special_tokens = false},
                          scratch, chunk.tokens);
}

// The model's errors count from the first text of a chunk: asked again for each text alone, the
// first that fails is the one to name.
absl::Status TokenizeRun::ExplainFailure(const Chunk& chunk, Tokenizer::Scratch& scratch) const {
  for (std::size_t i = chunk.first; i < chunk.last; ++i) {
    Chunk alone;
    const absl::Status status =
        Tokenize({&distinct_[i].text, 1}, groups_[distinct_[i].group].prompt, scratch, alone);
    if (status.ok()) continue;
    const std::string_view message(status.message().data(), status.message().size());
    const auto own = BehindOwnPath(message);  // ": " or " is": the request's path takes its place
    if (!own.has_value()) return InvalidField("BAD_TEXT", Path(distinct_[i]), message);
    const std::size_t begin = std::min(own->find_first_not_of(": "), own->size());
    return InvalidField("BAD_TEXT", Path(distinct_[i]), own->substr(begin));
  }
  return chunk.status;
}

absl::Status TokenizeRun::CheckLengths(const Chunk& chunk) const {
  const auto& truncated = chunk.tokens.truncated;
  const auto cut = std::find(truncated.begin(), truncated.end(), uint8_t{1});
  if (cut == truncated.end()) return absl::OkStatus();
  const auto i = chunk.first + static_cast<std::size_t>(cut - truncated.begin());
  return InvalidField(
      "TEXT_TOO_LONG", Path(distinct_[i]),
      fmt::format("longer than the {} tokens that the model takes; shorten it, or let the server "
                  "cut it with TRUNCATION_END or TRUNCATION_START",
                  model_.folder().max_sequence_length));
}

std::string TokenizeRun::Path(const DistinctText& text) const {
  return fmt::format("{}[{}]", groups_[text.group].field, text.index);
}

std::optional<TruncationSide> TokenizeRun::Side() const {
  switch (options_.overlong) {
    case OverlongTexts::kCutAsModel:
    case OverlongTexts::kRefuse:
      return std::nullopt;
    case OverlongTexts::kCutEnd:
      return TruncationSide::kEnd;
    case OverlongTexts::kCutStart:
      return TruncationSide::kStart;
  }
  return std::nullopt;
}

void TokenizeRun::Finish() {
  for (const Chunk& chunk : chunks_) {
    if (!chunk.status.ok()) {
      done_(chunk.status);
      return;
    }
  }
  TokenizedTexts out;
  out.row_of = std::move(row_of_);
  if (!chunks_.empty()) {
    out.tokens = std::move(chunks_.front().tokens);
    out.pooling_start = std::move(chunks_.front().pooling_start);
  }
  for (std::size_t i = 1; i < chunks_.size(); ++i) {
    const TokenBatch& more = chunks_[i].tokens;
    const auto offset = static_cast<int32_t>(out.tokens.ids.size());
    out.tokens.ids.insert(out.tokens.ids.end(), more.ids.begin(), more.ids.end());
    for (const int32_t end : more.ends) out.tokens.ends.push_back(offset + end);
    out.tokens.truncated.insert(out.tokens.truncated.end(), more.truncated.begin(),
                                more.truncated.end());
    out.pooling_start.insert(out.pooling_start.end(), chunks_[i].pooling_start.begin(),
                             chunks_[i].pooling_start.end());
  }
  done_(std::move(out));
}

}  // namespace

void TokenizeTexts(const Model& model, TaskPool& tasks, Tokenizer::Scratch& scratch,
                   std::vector<TextGroup> groups, const TokenizeTextsOptions& options,
                   absl::AnyInvocable<void(absl::StatusOr<TokenizedTexts>)> done) {
  std::make_shared<TokenizeRun>(model, std::move(groups), options, std::move(done))
      ->Start(tasks, scratch);
}

}  // namespace embedserve
