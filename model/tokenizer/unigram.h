// Unigram behind Metaspace: words marked with U+2581, each cut into the pieces whose scores have
// the largest sum (tokenizers.md 2.4). Immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/tokenizer/byte_trie.h"
#include "model/tokenizer/fast_paths.h"
#include "model/tokenizer/seeds.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_cache.h"
#include "model/tokenizer/word_scanner.h"

namespace embedserve {

// Metaspace's mark of a word's beginning, U+2581.
inline constexpr std::string_view kMetaspaceMark = "\xE2\x96\x81";

// How a segment is marked and cut before the model sees it.
struct MetaspaceOptions {
  enum class Prepend {
    kAlways,  // U+2581 before every segment that does not begin with one
    kFirst,   // ... where its first character is the text's own first
    kNever,
  };
  Prepend prepend = Prepend::kAlways;
  bool split = true;              // cut before each U+2581
  bool split_white_space = true;  // first cut at white space, which vanishes

  bool operator==(const MetaspaceOptions&) const = default;
};

struct UnigramOptions {
  int32_t unk_id = 0;
  bool byte_fallback = false;  // unknown text becomes <0xNN> tokens, if all of them exist
  MetaspaceOptions metaspace;

  bool operator==(const UnigramOptions&) const = default;
};

// Piece and score; the id is the position.
using UnigramPieces = std::vector<std::pair<std::string, double>>;

class Unigram {
 public:
  // Buffers of one thread; they grow to the longest split seen.
  struct Buffers {
    // The best way to a position, by the piece that ends there.
    struct Arrival {
      double score;
      int32_t id;
      uint32_t begin;  // of the piece; kNone: no way yet
    };
    PaddedText text;
    std::vector<int32_t> missed;  // ids of a word that the cache does not know
    std::string split;
    std::vector<Arrival> arrivals;
    std::vector<int32_t> reversed;
  };

  // Errors: unk_id is no position of `pieces`.
  static absl::StatusOr<Unigram> Build(const UnigramPieces& pieces, const UnigramOptions& options,
                                       const FastPaths& fast = {});

  // Appends the ids of a normalised segment; may stop after a split once there are more than
  // `enough` ids in all. Linear: a position is visited once for each piece that begins there.
  void Append(std::string_view segment, std::size_t enough, WordCache& cache, Buffers& buffers,
              std::vector<int32_t>& ids) const;

  // The same for a segment whose first `origin` bytes stem from the first character of a text: of
  // what begins there, kFirst is kAlways. It is kNever elsewhere, and in Append.
  void AppendStart(std::string_view segment, std::size_t origin, std::size_t enough,
                   WordCache& cache, Buffers& buffers, std::vector<int32_t>& ids) const;

  // The splits of the vocabulary, as the cache spells them, with what Append gives for them.
  Seeds MakeSeeds(const Vocabulary& vocabulary) const;

 private:
  static constexpr int32_t kMissing = -1;

  Unigram() = default;
  void AppendWords(std::string_view segment, std::size_t enough, WordCache& cache, Buffers& buffers,
                   std::vector<int32_t>& ids) const;
  void AppendPlain(std::string_view segment, std::size_t enough, WordCache& cache, Buffers& buffers,
                   std::vector<int32_t>& ids) const;
  void AppendWord(std::string_view word, bool prepend, WordCache& cache, Buffers& buffers,
                  std::vector<int32_t>& ids) const;
  void AppendSplit(bool marked, std::string_view body, WordCache& cache, Buffers& buffers,
                   std::vector<int32_t>& ids) const;
  void AppendBest(std::string_view split, Buffers& buffers, std::vector<int32_t>& ids) const;
  void FindArrivals(std::string_view split, std::vector<Buffers::Arrival>& arrivals) const;
  void ReverseUnknown(std::string_view text, std::vector<int32_t>& reversed) const;

  FastPaths fast_;
  bool PrependsAlways() const { return metaspace_.prepend == MetaspaceOptions::Prepend::kAlways; }

  MetaspaceOptions metaspace_;
  ByteTrie pieces_;
  std::vector<double> scores_;  // by id
  double unk_score_ = 0;
  int32_t unk_id_ = 0;
  bool byte_fallback_ = false;
  std::array<int32_t, 256> byte_ids_;
};

}  // namespace embedserve
