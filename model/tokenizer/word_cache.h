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

#include "model/tokenizer/word_table.h"

namespace embedserve {

class WordCache {
 public:
  // Longer words and more ids are not kept.
  static constexpr std::size_t kMaxWord = 48;  // bytes
  static constexpr std::size_t kMaxIds = 19;
  // What a tokenizer lets a cache remember.
  struct Owner {
    uint64_t tokenizer = 0;            // numbered from 1
    const WordTable* seeds = nullptr;  // nullptr: none; outlives the use of the cache
    bool enabled = true;               // false: nothing is kept
  };
  // Forgets everything if the words came from another tokenizer so far.
  void BelongTo(const Owner& owner);

  // Appends the ids of `word` and returns true, or returns false.
  bool Append(std::string_view word, std::vector<int32_t>& ids);
  // The same for a word that FindShort does not know: looks where long words and many ids are.
  bool AppendLong(std::string_view word, std::vector<int32_t>& ids);
  // Remembers them, if word and ids are short enough; the word is not there yet.
  void Put(std::string_view word, std::span<const int32_t> ids);

  // The ids of a word of 1 to WordKey::kMaxBytes bytes that stands where 16 bytes may be read:
  // writes up to WordTable::kMaxIds integers to `out` and returns the end of the ids, or nullptr.
  int32_t* FindShort(const char* word, std::size_t size, int32_t* out) {
    const WordKey key = WordKey::Padded(word, size);
    if (int32_t* end = words_.Find(key, out)) return end;
    return FindSeed(key, out);
  }

 private:
  static constexpr unsigned kEntriesLog2 = 16;      // 2 MiB, touched as it fills
  static constexpr unsigned kLongEntriesLog2 = 13;  // 1 MiB, for long words or many ids
  static constexpr std::size_t kLongParts = kMaxWord / sizeof(uint64_t);

  using LongKey = std::array<uint64_t, kLongParts>;
  struct alignas(64) LongEntry {
    LongKey key = {};
    uint16_t size = 0;  // of the word; 0 = empty entry
    uint16_t count = 0;
    std::array<int32_t, kMaxIds> ids;
  };
  static_assert(sizeof(LongEntry) == 128);

  static LongKey LongKeyOf(std::string_view word);
  LongEntry& LongSlot(const LongKey& key, std::size_t size);
  int32_t* FindSeed(const WordKey& key, int32_t* out);

  Owner owner_;
  WordTable words_;
  std::vector<LongEntry> long_words_;  // allocated with the first long word
};

}  // namespace embedserve
