#include "model/tokenizer/byte_level_bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/append_words.h"
#include "model/tokenizer/byte_level_pattern.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

constexpr int32_t kDead = -1;

// Longer words are merged with a heap; up to here a scan for the lowest rank is faster.
constexpr std::size_t kShortWord = 32;

// The printable stand-in of each byte in a byte-level vocabulary: itself where it is a visible
// Latin-1 character, else the next free scalar from U+0100 on.
std::array<char32_t, 256> ByteAlphabet() {
  std::array<char32_t, 256> alphabet;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    alphabet[byte] = visible ? byte : next++;
  }
  return alphabet;
}

// The byte that each scalar of the alphabet stands for.
std::unordered_map<char32_t, char> BytesOfAlphabet() {
  std::unordered_map<char32_t, char> bytes;
  const std::array<char32_t, 256> alphabet = ByteAlphabet();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    bytes.emplace(alphabet[byte], static_cast<char>(byte));
  }
  return bytes;
}

// The bytes that a token stands for, or nullopt if it holds a scalar outside the alphabet: such a
// token can only be an added one.
std::optional<std::string> BytesOf(std::string_view token,
                                   const std::unordered_map<char32_t, char>& bytes) {
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const Scalar scalar = ScalarAt(token, at);
    const auto found = bytes.find(scalar.value);
    if (found == bytes.end()) return std::nullopt;
    out.push_back(found->second);
    at += scalar.size;
  }
  return out;
}

absl::StatusOr<int32_t> Find(const Vocabulary& vocabulary, std::string_view token,
                             std::string_view role) {
  if (const std::optional<int32_t> id = vocabulary.Find(token)) return *id;
  return absl::FailedPreconditionError(fmt::format("{}: '{}' is not in the vocabulary of {} tokens",
                                                   role, token, vocabulary.count()));
}

constexpr int32_t kNoPair = std::numeric_limits<int32_t>::max();
using Pairs = int32_t __attribute__((vector_size(16)));

int32_t Least(const std::array<int32_t, kShortWord>& pairs, std::size_t size) {
  constexpr std::size_t kLanes = sizeof(Pairs) / sizeof(int32_t);
  Pairs least;
  std::memcpy(&least, pairs.data(), sizeof(least));
  for (std::size_t i = kLanes; i < size; i += kLanes) {
    Pairs some;
    std::memcpy(&some, &pairs[i], sizeof(some));
    least = some < least ? some : least;
  }
  return std::min({least[0], least[1], least[2], least[3]});
}

bool LaterCandidate(const ByteLevelBpe::Buffers::Candidate& a,
                    const ByteLevelBpe::Buffers::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
}

}  // namespace

void ByteLevelBpe::MergeTable::Reserve(std::size_t pairs) {
  slots_.assign(std::bit_ceil(2 * pairs + 2), kEmpty);
  mask_ = slots_.size() - 1;
  filter_.Reserve(pairs);
}

void ByteLevelBpe::MergeTable::Put(int32_t left, int32_t right, uint32_t rank) {
  static_assert(Vocabulary::kMaxIds <= 1 << 22);
  const uint64_t pair = PairOf(left, right);
  const uint64_t hash = HashOf(pair);
  filter_.Put(hash);
  std::size_t slot = SlotOf(hash);
  while (slots_[slot] != kEmpty && slots_[slot] >> kRankBits != pair) slot = (slot + 1) & mask_;
  slots_[slot] = pair << kRankBits | rank;
}

absl::StatusOr<ByteLevelBpe> ByteLevelBpe::Build(const Vocabulary& vocabulary,
                                                 const BpeMerges& merges,
                                                 const ByteLevelBpeOptions& options,
                                                 const FastPaths& fast) {
  ByteLevelBpe model;
  model.fast_ = fast;
  model.add_prefix_space_ = options.add_prefix_space;
  model.fuse_unk_ = options.fuse_unk;
  if (options.unk_token.has_value()) {
    ASSIGN_OR_RETURN(model.unk_id_, Find(vocabulary, *options.unk_token, "unk_token"));
  }
  const std::array<char32_t, 256> alphabet = ByteAlphabet();
  const std::unordered_map<char32_t, char> bytes = BytesOfAlphabet();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string token;
    AppendScalar(alphabet[byte], token);
    model.byte_ids_[byte] = vocabulary.Find(token).value_or(kMissing);
  }
  // A byte without a symbol vanishes or becomes unk_token, and neighbours meet that were none; a
  // whole word that is a token must be seen whole.
  const bool every_byte = std::count(model.byte_ids_.begin(), model.byte_ids_.end(), kMissing) == 0;
  if (fast.split_words && every_byte && !options.ignore_merges) {
    model.joinable_.resize(std::size_t{256} * 256);
  }
  if (merges.size() > kRankLimit) {
    return absl::FailedPreconditionError(
        fmt::format("{} merges; at most {} are supported", merges.size(), kRankLimit));
  }
  model.merges_.Reserve(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    const std::string role = fmt::format("merge {} ('{}' '{}')", i, left, right);
    ASSIGN_OR_RETURN(const int32_t left_id, Find(vocabulary, left, role));
    ASSIGN_OR_RETURN(const int32_t right_id, Find(vocabulary, right, role));
    ASSIGN_OR_RETURN(const int32_t result, Find(vocabulary, left + right, role));
    model.merges_.Put(left_id, right_id, static_cast<uint32_t>(i));
    model.results_.push_back(result);
    const std::optional<std::string> left_bytes = BytesOf(left, bytes);
    const std::optional<std::string> right_bytes = BytesOf(right, bytes);
    if (model.joinable_.empty() || !left_bytes.has_value() || !right_bytes.has_value()) continue;
    const auto last = static_cast<unsigned char>(left_bytes->back());
    const auto first = static_cast<unsigned char>(right_bytes->front());
    model.joinable_[std::size_t{256} * last + first] = true;
  }
  if (options.ignore_merges) {
    for (const auto& [token, id] : vocabulary.entries()) {
      if (auto word = BytesOf(token, bytes)) model.whole_words_.emplace(*std::move(word), id);
    }
  }
  return model;
}

void ByteLevelBpe::Append(std::string_view segment, std::size_t enough, WordCache& cache,
                          Buffers& buffers, std::vector<int32_t>& ids) const {
  const bool prefix = add_prefix_space_ && segment.front() != ' ';
  const std::string_view text = buffers.text.Assign(prefix ? " " : "", segment);
  if (!fast_.block_scan) return AppendPlain(text, enough, cache, buffers, ids);
  ByteLevelScanner scanner(std::min(fast_.simd, BestSimdLevel()), text);
  AppendScanned(scanner, text, enough, cache, buffers.missed, ids,
                [&](std::string_view word, std::vector<int32_t>& own) {
                  AppendUnknown(word, cache, buffers, own);
                });
}

void ByteLevelBpe::AppendPlain(std::string_view text, std::size_t enough, WordCache& cache,
                               Buffers& buffers, std::vector<int32_t>& ids) const {
  std::size_t at = 0;
  while (at < text.size() && ids.size() <= enough) {
    const std::size_t end = ByteLevelWordEnd(text, at);
    AppendWord(text.substr(at, end - at), cache, buffers, ids);
    at = end;
  }
}

void ByteLevelBpe::AppendWord(std::string_view word, WordCache& cache, Buffers& buffers,
                              std::vector<int32_t>& ids) const {
  if (!cache.Append(word, ids)) AppendUnknown(word, cache, buffers, ids);
}

// A word that the cache does not know, or one of its parts.
void ByteLevelBpe::AppendUnknown(std::string_view word, WordCache& cache, Buffers& buffers,
                                 std::vector<int32_t>& ids) const {
  const std::size_t begin = ids.size();
  std::size_t end = joinable_.empty() ? word.size() : PartEnd(word, 0);
  if (end == word.size()) {
    AppendMerged(word, buffers, ids);
  } else {
    for (std::size_t at = 0; at < word.size(); at = end) {
      end = PartEnd(word, at);
      const std::string_view part = word.substr(at, end - at);
      if (cache.Append(part, ids)) continue;
      const std::size_t part_begin = ids.size();
      AppendMerged(part, buffers, ids);
      cache.Put(part, std::span(ids).subspan(part_begin));
    }
  }
  cache.Put(word, std::span(ids).subspan(begin));
}

// End of the part of `word` that begins at `begin`: no merge joins symbols across it.
std::size_t ByteLevelBpe::PartEnd(std::string_view word, std::size_t begin) const {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(word[i]); };
  std::size_t end = begin + 1;
  while (end < word.size() && joinable_[std::size_t{256} * byte(end - 1) + byte(end)]) ++end;
  return end;
}

Seeds ByteLevelBpe::MakeSeeds(const Vocabulary& vocabulary) const {
  const std::unordered_map<char32_t, char> bytes = BytesOfAlphabet();
  Buffers buffers;
  return Seeds(vocabulary, [&](std::string_view token, std::vector<int32_t>& ids) {
    std::optional<std::string> word = BytesOf(token, bytes);
    if (!word.has_value()) return std::string();
    AppendMerged(*word, buffers, ids);
    return *std::move(word);
  });
}

void ByteLevelBpe::AppendMerged(std::string_view word, Buffers& buffers,
                                std::vector<int32_t>& ids) const {
  if (!whole_words_.empty()) {
    if (const auto found = whole_words_.find(word); found != whole_words_.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  ReadSymbols(word, buffers.word);
  if (buffers.word.size() > kShortWord) return AppendMergedLong(buffers, ids);
  AppendMergedShort(buffers.word, ids);
}

void ByteLevelBpe::ReadSymbols(std::string_view word, std::vector<int32_t>& symbols) const {
  symbols.clear();
  bool after_unknown = false;
  for (const char c : word) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    const bool unknown = id == kMissing;
    if (!unknown) {
      symbols.push_back(id);
    } else if (unk_id_ != kMissing && !(fuse_unk_ && after_unknown)) {
      symbols.push_back(unk_id_);
    }
    after_unknown = unknown;
  }
}

// Symbols keep their places, a merge goes into the left one. A pair is its rank with the place of
// its left symbol below, so that one minimum finds the leftmost pair of the lowest rank.
void ByteLevelBpe::AppendMergedShort(std::span<const int32_t> word,
                                     std::vector<int32_t>& ids) const {
  const std::size_t size = word.size();
  if (size == 0) return;
  std::array<int32_t, kShortWord> symbols;
  std::array<int32_t, kShortWord> pairs;
  std::array<uint8_t, kShortWord> previous;
  std::array<uint8_t, kShortWord> next;
  const auto pair_at = [&](std::size_t at) {
    if (next[at] == size) return kNoPair;
    const uint32_t rank = merges_.Find(symbols[at], symbols[next[at]]);
    if (rank == kNoRank) return kNoPair;
    __builtin_prefetch(&results_[rank]);
    return static_cast<int32_t>(rank * kShortWord + at);
  };
  for (std::size_t i = 0; i < size; ++i) {
    symbols[i] = word[i];
    previous[i] = static_cast<uint8_t>(i - 1);
    next[i] = static_cast<uint8_t>(i + 1);
  }
  pairs.fill(kNoPair);
  for (std::size_t i = 0; i + 1 < size; ++i) pairs[i] = pair_at(i);
  for (int32_t best = Least(pairs, size); best != kNoPair; best = Least(pairs, size)) {
    const auto at = static_cast<std::size_t>(best) % kShortWord;
    const std::size_t right = next[at];
    symbols[at] = results_[static_cast<std::size_t>(best) / kShortWord];
    next[at] = next[right];
    pairs[right] = kNoPair;
    if (next[at] < size) previous[next[at]] = static_cast<uint8_t>(at);
    pairs[at] = pair_at(at);
    if (at > 0) pairs[previous[at]] = pair_at(previous[at]);
  }
  for (std::size_t at = 0; at < size; at = next[at]) ids.push_back(symbols[at]);
}

void ByteLevelBpe::PushCandidate(Buffers& buffers, int32_t at) const {
  const auto& symbols = buffers.symbols;
  const auto& left = symbols[static_cast<std::size_t>(at)];
  if (left.next == kDead) return;
  const uint32_t rank = merges_.Find(left.id, symbols[static_cast<std::size_t>(left.next)].id);
  if (rank == kNoRank) return;
  buffers.heap.push_back({rank, at});
  std::push_heap(buffers.heap.begin(), buffers.heap.end(), LaterCandidate);
}

void ByteLevelBpe::AppendMergedLong(Buffers& buffers, std::vector<int32_t>& ids) const {
  auto& symbols = buffers.symbols;
  auto& heap = buffers.heap;
  const auto symbol = [&](int32_t at) -> Buffers::Symbol& {
    return symbols[static_cast<std::size_t>(at)];
  };
  symbols.clear();
  heap.clear();
  const auto count = static_cast<int32_t>(buffers.word.size());
  for (int32_t i = 0; i < count; ++i) {
    symbols.push_back(
        {buffers.word[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : kDead});
  }
  for (int32_t i = 0; i + 1 < count; ++i) PushCandidate(buffers, i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), LaterCandidate);
    const Buffers::Candidate top = heap.back();
    heap.pop_back();
    Buffers::Symbol& left = symbol(top.at);
    if (left.id == kDead || left.next == kDead) continue;
    Buffers::Symbol& right = symbol(left.next);
    const uint32_t rank = merges_.Find(left.id, right.id);
    if (rank == kNoRank || results_[rank] != results_[top.rank]) continue;
    left.id = results_[top.rank];
    left.next = right.next;
    right.id = kDead;
    if (left.next != kDead) symbol(left.next).previous = top.at;
    if (left.previous != kDead) PushCandidate(buffers, left.previous);
    PushCandidate(buffers, top.at);
  }
  for (int32_t at = 0; at != kDead; at = symbol(at).next) ids.push_back(symbol(at).id);
}

}  // namespace embedserve
