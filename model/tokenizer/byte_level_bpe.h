// Byte-level BPE: words by ByteLevelWordEnd, each merged by rank (tokenizers.md 2.2). Immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/tokenizer/fast_paths.h"
#include "model/tokenizer/hash_filter.h"
#include "model/tokenizer/seeds.h"
#include "model/tokenizer/string_map.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_cache.h"
#include "model/tokenizer/word_scanner.h"

namespace embedserve {

struct ByteLevelBpeOptions {
  bool add_prefix_space = false;
  bool ignore_merges = false;            // a word that is a token stays whole
  bool fuse_unk = false;                 // neighbouring unknown bytes make one unk_token
  std::optional<std::string> unk_token;  // none: bytes that are no token vanish

  bool operator==(const ByteLevelBpeOptions&) const = default;
};

// In the vocabulary's spelling (a byte is one printable character), in order of rank.
using BpeMerges = std::vector<std::pair<std::string, std::string>>;

class ByteLevelBpe {
 public:
  // Buffers of one thread.
  struct Buffers {
    // Symbols of a long word form a list over positions; dead ones have id kDead.
    struct Symbol {
      int32_t id;
      int32_t previous;
      int32_t next;
    };
    struct Candidate {
      uint32_t rank;
      int32_t at;  // left symbol; if its pair gives another result by now, the candidate is stale
    };
    PaddedText text;
    std::vector<int32_t> missed;  // ids of a word that the cache does not know
    std::vector<int32_t> word;
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  // Errors: a merge or the unk_token names what the vocabulary lacks.
  static absl::StatusOr<ByteLevelBpe> Build(const Vocabulary& vocabulary, const BpeMerges& merges,
                                            const ByteLevelBpeOptions& options,
                                            const FastPaths& fast = {});

  // Appends the ids of a segment (not empty); may stop after a word once there are more than
  // `enough` ids in all. O(n log n) in the longest word.
  void Append(std::string_view segment, std::size_t enough, WordCache& cache, Buffers& buffers,
              std::vector<int32_t>& ids) const;

  // The words of the vocabulary with what Append gives for them.
  Seeds MakeSeeds(const Vocabulary& vocabulary) const;

 private:
  static constexpr uint32_t kRankLimit = (1u << 20) - 1;  // ranks are smaller
  static constexpr uint32_t kNoRank = kRankLimit;
  static constexpr int32_t kMissing = -1;

  // Pair -> rank in an open-addressed table at most half full, linear probing. A slot is 8 bytes,
  // so that a table of 50 thousand merges is 1 MiB: ids have 22 bits (Vocabulary::kMaxIds),
  // ranks 20. Most pairs that are asked for have no merge.
  class MergeTable {
   public:
    void Reserve(std::size_t pairs);
    void Put(int32_t left, int32_t right, uint32_t rank);
    uint32_t Find(int32_t left, int32_t right) const {  // kNoRank if there is none
      const uint64_t pair = PairOf(left, right);
      const uint64_t hash = HashOf(pair);
      if (!filter_.MayHold(hash)) return kNoRank;
      std::size_t slot = SlotOf(hash);
      while (slots_[slot] >> kRankBits != pair) {
        if (slots_[slot] == kEmpty) return kNoRank;
        slot = (slot + 1) & mask_;
      }
      return static_cast<uint32_t>(slots_[slot]) & kRankLimit;
    }

   private:
    static constexpr unsigned kRankBits = 20;
    static constexpr uint64_t kEmpty = ~uint64_t{0};
    static uint64_t PairOf(int32_t left, int32_t right) {
      return static_cast<uint64_t>(left) << 22 | static_cast<uint64_t>(right);
    }
    static uint64_t HashOf(uint64_t pair) {
      const uint64_t hash = (pair ^ pair >> 29) * 0x9E3779B97F4A7C15u;
      return hash ^ hash >> 32;
    }
    std::size_t SlotOf(uint64_t hash) const { return static_cast<std::size_t>(hash >> 6) & mask_; }

    std::vector<uint64_t> slots_;
    std::size_t mask_ = 0;
    HashFilter filter_;
  };

  ByteLevelBpe() = default;
  void AppendPlain(std::string_view text, std::size_t enough, WordCache& cache, Buffers& buffers,
                   std::vector<int32_t>& ids) const;
  void AppendWord(std::string_view word, WordCache& cache, Buffers& buffers,
                  std::vector<int32_t>& ids) const;
  void AppendUnknown(std::string_view word, WordCache& cache, Buffers& buffers,
                     std::vector<int32_t>& ids) const;
  void AppendMerged(std::string_view word, Buffers& buffers, std::vector<int32_t>& ids) const;
  std::size_t PartEnd(std::string_view word, std::size_t begin) const;
  void ReadSymbols(std::string_view word, std::vector<int32_t>& symbols) const;
  void AppendMergedShort(std::span<const int32_t> word, std::vector<int32_t>& ids) const;
  void AppendMergedLong(Buffers& buffers, std::vector<int32_t>& ids) const;
  void PushCandidate(Buffers& buffers, int32_t at) const;

  bool add_prefix_space_ = false;
  bool fuse_unk_ = false;
  int32_t unk_id_ = kMissing;
  FastPaths fast_;
  std::array<int32_t, 256> byte_ids_;
  // Bit 256 * a + b: some merge joins a symbol that ends in byte a and one that begins with b.
  // Elsewhere words may be cut. Empty if not even that is sure.
  std::vector<bool> joinable_;
  MergeTable merges_;
  std::vector<int32_t> results_;    // rank -> id of what the pair gives
  StringMap<int32_t> whole_words_;  // raw bytes -> id, for ignore_merges
};

}  // namespace embedserve
