#include "model/tokenizer/unigram.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

#include "fmt/format.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/append_words.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

constexpr double kUnkPenalty = 10;  // of a character without a piece, below the lowest score
constexpr uint32_t kNone = 0xFFFFFFFF;

// Bytes that begin no white space.
constexpr std::array<bool, 256> kOrdinaryByte = [] {
  std::array<bool, 256> ordinary = {};
  ordinary.fill(true);
  for (const unsigned char byte : {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0xC2, 0xE1, 0xE2, 0xE3}) {
    ordinary[byte] = false;
  }
  return ordinary;
}();

// The words between white space, some at a time.
class SpaceScanner {
 public:
  explicit SpaceScanner(std::string_view text) : text_(text) {}

  WordBounds Next() {
    std::size_t count = 0;
    std::size_t begin = at_;  // of the word under way
    while (at_ < text_.size() && count < kWords) {
      if (kOrdinaryByte[static_cast<unsigned char>(text_[at_])]) {
        ++at_;
        continue;
      }
      const Scalar scalar = ScalarAt(text_, at_);
      if (ClassOf(scalar.value) & CharClass::kSpace) {
        if (begin < at_) Put(count++, begin, at_);
        begin = at_ + scalar.size;
      }
      at_ += scalar.size;
    }
    if (at_ == text_.size() && begin < at_) Put(count++, begin, at_);
    return {count, begins_.data(), ends_.data()};
  }

 private:
  static constexpr std::size_t kWords = 63;  // and one at the text's end

  void Put(std::size_t word, std::size_t begin, std::size_t end) {
    begins_[word] = static_cast<uint32_t>(begin);
    ends_[word] = static_cast<uint32_t>(end);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::array<uint32_t, kWords + 1> begins_;
  std::array<uint32_t, kWords + 1> ends_;
};

}  // namespace

absl::StatusOr<Unigram> Unigram::Build(const UnigramPieces& pieces, const UnigramOptions& options,
                                       const FastPaths& fast) {
  if (options.unk_id < 0 || static_cast<std::size_t>(options.unk_id) >= pieces.size()) {
    return absl::FailedPreconditionError(
        fmt::format("unk_id is {}; expected the position of one of the {} pieces", options.unk_id,
                    pieces.size()));
  }
  Unigram model;
  model.fast_ = fast;
  model.metaspace_ = options.metaspace;
  model.unk_id_ = options.unk_id;
  model.byte_fallback_ = options.byte_fallback;
  std::vector<std::pair<std::string, int32_t>> entries;
  entries.reserve(pieces.size());
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& [piece, score] : pieces) {
    entries.emplace_back(piece, static_cast<int32_t>(entries.size()));
    model.scores_.push_back(score);
    lowest = std::min(lowest, score);
  }
  model.unk_score_ = lowest - kUnkPenalty;
  model.pieces_ = ByteTrie::Build(std::move(entries));
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const ByteTrie::Node node = model.pieces_.Walk(fmt::format("<0x{:02X}>", byte));
    model.byte_ids_[byte] = node == ByteTrie::kNowhere ? kMissing : model.pieces_.value(node);
  }
  return model;
}

void Unigram::Append(std::string_view segment, std::size_t enough, WordCache& cache,
                     Buffers& buffers, std::vector<int32_t>& ids) const {
  if (!metaspace_.split_white_space) {
    return AppendWord(segment, PrependsAlways(), cache, buffers, ids);
  }
  if (!fast_.block_scan) return AppendPlain(segment, enough, cache, buffers, ids);
  AppendWords(segment, enough, cache, buffers, ids);
}

void Unigram::AppendStart(std::string_view segment, std::size_t origin, std::size_t enough,
                          WordCache& cache, Buffers& buffers, std::vector<int32_t>& ids) const {
  if (metaspace_.prepend != MetaspaceOptions::Prepend::kFirst || origin == 0) {
    return Append(segment, enough, cache, buffers, ids);
  }
  if (!metaspace_.split_white_space) return AppendWord(segment, true, cache, buffers, ids);
  std::size_t at = WhiteSpaceBehind(segment, 0);
  while (at < segment.size() && at < origin) {
    const std::size_t begin = at;
    while (at < segment.size() && WhiteSpaceBehind(segment, at) == at) {
      at += ScalarAt(segment, at).size;
    }
    AppendWord(segment.substr(begin, at - begin), true, cache, buffers, ids);
    at = WhiteSpaceBehind(segment, at);
  }
  if (at < segment.size()) Append(segment.substr(at), enough, cache, buffers, ids);
}

void Unigram::AppendPlain(std::string_view segment, std::size_t enough, WordCache& cache,
                          Buffers& buffers, std::vector<int32_t>& ids) const {
  std::size_t begin = 0;  // of the word under way
  std::size_t at = 0;
  while (at < segment.size()) {
    const Scalar scalar = ScalarAt(segment, at);
    if (ClassOf(scalar.value) & CharClass::kSpace) {
      if (begin < at) {
        AppendWord(segment.substr(begin, at - begin), PrependsAlways(), cache, buffers, ids);
      }
      begin = at + scalar.size;
      if (ids.size() > enough) return;
    }
    at += scalar.size;
  }
  if (begin < at) {
    AppendWord(segment.substr(begin, at - begin), PrependsAlways(), cache, buffers, ids);
  }
}

void Unigram::AppendWords(std::string_view segment, std::size_t enough, WordCache& cache,
                          Buffers& buffers, std::vector<int32_t>& ids) const {
  const std::string_view text = buffers.text.Assign(segment);
  SpaceScanner scanner(text);
  AppendScanned(scanner, text, enough, cache, buffers.missed, ids,
                [&](std::string_view word, std::vector<int32_t>& own) {
                  AppendWord(word, PrependsAlways(), cache, buffers, own);
                });
}

// Marks and cuts a word or, without split_white_space, a segment with spaces.
void Unigram::AppendWord(std::string_view word, bool prepend, WordCache& cache, Buffers& buffers,
                         std::vector<int32_t>& ids) const {
  const auto mark_size = [&](std::size_t at) -> std::size_t {
    if (word[at] == ' ') return 1;
    return word.substr(at).starts_with(kMetaspaceMark) ? kMetaspaceMark.size() : 0;
  };
  const std::size_t first = mark_size(0);
  bool marked = first > 0 || prepend;
  std::size_t begin = first;
  if (!metaspace_.split) {
    std::string& split = buffers.split;
    split.assign(marked ? kMetaspaceMark : std::string_view());
    for (std::size_t at = begin; at < word.size(); ++at) {
      if (word[at] == ' ') {
        split.append(kMetaspaceMark);
      } else {
        split.push_back(word[at]);
      }
    }
    return AppendBest(split, buffers, ids);
  }
  for (std::size_t at = begin; at < word.size();) {
    const std::size_t mark = mark_size(at);
    if (mark == 0) {
      ++at;
      continue;
    }
    if (marked || begin < at) {
      AppendSplit(marked, word.substr(begin, at - begin), cache, buffers, ids);
    }
    marked = true;
    begin = at += mark;
  }
  if (marked || begin < word.size()) AppendSplit(marked, word.substr(begin), cache, buffers, ids);
}

// One split: U+2581 if `marked`, then `body`.
void Unigram::AppendSplit(bool marked, std::string_view body, WordCache& cache, Buffers& buffers,
                          std::vector<int32_t>& ids) const {
  // The cache's key is the body alone: it keeps only the usual of the two kinds of split.
  const bool usual = marked == PrependsAlways() && !body.empty();
  if (usual && cache.Append(body, ids)) return;
  const std::size_t begin = ids.size();
  buffers.split.assign(marked ? kMetaspaceMark : std::string_view()).append(body);
  AppendBest(buffers.split, buffers, ids);
  if (usual) cache.Put(body, std::span(ids).subspan(begin));
}

Seeds Unigram::MakeSeeds(const Vocabulary& vocabulary) const {
  const bool marked = PrependsAlways();
  Buffers buffers;
  return Seeds(vocabulary, [&](std::string_view token, std::vector<int32_t>& ids) {
    const std::string_view body =
        marked ? token.substr(std::min(kMetaspaceMark.size(), token.size())) : token;
    if (!metaspace_.split || body.empty() || token.starts_with(kMetaspaceMark) != marked ||
        body.find(kMetaspaceMark) != std::string_view::npos) {
      return std::string();
    }
    AppendBest(token, buffers, ids);
    return std::string(body);
  });
}

void Unigram::AppendBest(std::string_view split, Buffers& buffers,
                         std::vector<int32_t>& ids) const {
  FindArrivals(split, buffers.arrivals);
  std::vector<int32_t>& reversed = buffers.reversed;
  reversed.clear();
  std::size_t end = split.size();
  while (end > 0) {
    const Buffers::Arrival* arrival = &buffers.arrivals[end];
    std::size_t begin = arrival->begin;
    if (arrival->id != unk_id_) {
      reversed.push_back(arrival->id);
    } else {
      // Unknown neighbours are one string, for which the vocabulary is asked again.
      while (begin > 0 && buffers.arrivals[begin].id == unk_id_) {
        begin = buffers.arrivals[begin].begin;
      }
      ReverseUnknown(split.substr(begin, end - begin), reversed);
    }
    end = begin;
  }
  ids.insert(ids.end(), reversed.rbegin(), reversed.rend());
}

// Forward over the starts of pieces: of equal sums the piece that begins first wins.
void Unigram::FindArrivals(std::string_view split, std::vector<Buffers::Arrival>& arrivals) const {
  arrivals.assign(split.size() + 1, {0, 0, kNone});
  const auto arrive = [&](std::size_t at, double score, int32_t id, std::size_t begin) {
    Buffers::Arrival& arrival = arrivals[at];
    if (arrival.begin == kNone || score > arrival.score) {
      arrival = {score, id, static_cast<uint32_t>(begin)};
    }
  };
  for (std::size_t begin = 0; begin < split.size();) {
    const std::size_t next = begin + ScalarAt(split, begin).size;
    const double so_far = arrivals[begin].score;
    bool known = false;  // a piece of one character begins here
    ByteTrie::Node node = ByteTrie::kRoot;
    for (std::size_t at = begin; at < split.size();) {
      node = pieces_.Step(node, static_cast<unsigned char>(split[at++]));
      if (node == ByteTrie::kNowhere) break;
      const int32_t id = pieces_.value(node);
      if (id == ByteTrie::kNoValue) continue;
      arrive(at, scores_[static_cast<std::size_t>(id)] + so_far, id, begin);
      known |= at == next;
    }
    if (!known) arrive(next, unk_score_ + so_far, unk_id_, begin);
    begin = next;
  }
}

void Unigram::ReverseUnknown(std::string_view text, std::vector<int32_t>& reversed) const {
  const ByteTrie::Node node = pieces_.Walk(text);
  if (node != ByteTrie::kNowhere && pieces_.value(node) != ByteTrie::kNoValue) {
    reversed.push_back(pieces_.value(node));
    return;
  }
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (byte_fallback_ &&
      std::all_of(text.begin(), text.end(), [&](char byte) { return id_of(byte) != kMissing; })) {
    std::transform(text.rbegin(), text.rend(), std::back_inserter(reversed), id_of);
    return;
  }
  reversed.push_back(unk_id_);
}

}  // namespace embedserve
