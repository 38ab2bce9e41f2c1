// A bounded memory of words and their ids: one per Scratch, in front of the words that the
// tokenizer knows from load on (its seeds). Exact: entries hold whole words, and a word's ids
// depend on the word alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/tokenizer/seeds.h"
#include "model/tokenizer/word_table.h"

namespace embedserve {

class WordCache {
 public:
  // Longer words and more ids are not kept.
  static constexpr std::size_t kMaxWord = 48;  // bytes
  static constexpr std::size_t kMaxIds = 19;
  // What a tokenizer lets a cache remember.
  struct Owner {
    uint64_t tokenizer = 0;        // numbered from 1
    const Seeds* seeds = nullptr;  // nullptr: none; outlives the use of the cache
    bool enabled = true;           // false: nothing is kept
  };
  // Forgets everything if the words came from another tokenizer so far.
  void BelongTo(const Owner& owner);

  // Appends the ids of `word` and returns true, or returns false.
  bool Append(std::string_view word, std::vector<int32_t>& ids);
  // Remembers them, if word and ids are short enough; the word is not there yet.
  void Put(std::string_view word, std::span<const int32_t> ids);

  // Append in two steps, for the loop over a text's words. First the words used so far, for one of
  // 1 to WordKey::kMaxBytes bytes that stands where 16 bytes may be read: writes up to
  // WordTable::kMaxIds integers to `out` and returns the end of the ids, or nullptr.
  int32_t* FindUsed(const char* word, std::size_t size, int32_t* out) const {
    const WordKey key = WordKey::Padded(word, size);
    return words_.Find(key, key.Hash(), out);
  }
  // Then for a word of any size that FindUsed does not know.
  bool AppendUnused(std::string_view word, std::vector<int32_t>& ids);
  // Asks memory for the places of a word that is looked up soon; `hash` is its key's.
  void Prefetch(uint64_t hash) const {
    words_.Prefetch(hash);
    if (owner_.seeds != nullptr) owner_.seeds->Prefetch(hash);
  }

 private:
  // The tables grow as they fill (WordTable::Allocate).
  static constexpr unsigned kFirstEntriesLog2 = 12;     // 128 KiB
  static constexpr unsigned kEntriesLog2 = 16;          // 2 MiB
  static constexpr unsigned kFirstLongEntriesLog2 = 9;  // 64 KiB, for long words or many ids
  static constexpr unsigned kLongEntriesLog2 = 13;      // 1 MiB
  static constexpr std::size_t kLongParts = kMaxWord / sizeof(uint64_t);

  using LongKey = std::array<uint64_t, kLongParts>;
  struct alignas(64) LongEntry {
    LongKey key = {};
    uint16_t size = 0;  // of the word; 0 = empty entry
    uint16_t count = 0;
    std::array<int32_t, kMaxIds> ids;
  };
  static_assert(sizeof(LongEntry) == 128);

  bool AppendUnused(const WordKey& key, uint64_t hash, std::string_view word,
                    std::vector<int32_t>& ids);
  bool AppendLong(std::string_view word, std::vector<int32_t>& ids) const;
  static LongKey LongKeyOf(std::string_view word);
  std::size_t LongSlot(const LongKey& key, std::size_t size) const;
  void GrowLong();

  Owner owner_;
  WordTable words_;
  // A word short enough for words_ has a mark there.
  std::vector<LongEntry> long_words_;  // allocated with the first long word
  unsigned long_entries_log2_ = 0;
  std::size_t long_put_ = 0;  // since long_words_ became so large
};

}  // namespace embedserve
