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
      int32_t at;      // left symbol
      int32_t result;  // what the pair gives; another result by now makes the candidate stale
    };
    PaddedText text;
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
  WordTable Seeds(const Vocabulary& vocabulary) const;

 private:
  struct Merge {
    uint32_t rank;
    int32_t result;
  };
  static constexpr uint32_t kNoRank = 0xFFFFFFFF;
  static constexpr int32_t kMissing = -1;

  // Pair -> merge in an open-addressed table at most half full, linear probing.
  class MergeTable {
   public:
    void Reserve(std::size_t pairs);
    void Put(int32_t left, int32_t right, Merge merge);
    Merge Find(int32_t left, int32_t right) const {  // rank kNoRank if there is none
      const uint64_t key = KeyOf(left, right);
      std::size_t slot = SlotOf(key);
      while (slots_[slot].key != key && slots_[slot].key != kEmpty) slot = (slot + 1) & mask_;
      return slots_[slot].merge;
    }

   private:
    static constexpr uint64_t kEmpty = 0xFFFFFFFFFFFFFFFF;
    struct Slot {
      uint64_t key = kEmpty;
      Merge merge = {kNoRank, kMissing};
    };
    static uint64_t KeyOf(int32_t left, int32_t right) {
      return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
             static_cast<uint32_t>(right);
    }
    std::size_t SlotOf(uint64_t key) const {
      return static_cast<std::size_t>((key ^ key >> 29) * 0x9E3779B97F4A7C15u >> 32) & mask_;
    }

    std::vector<Slot> slots_;
    std::size_t mask_ = 0;
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
  std::size_t MergeShort(std::span<int32_t> symbols) const;
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
  StringMap<int32_t> whole_words_;  // raw bytes -> id, for ignore_merges
};

}  // namespace embedserve
