// A bounded memory of short words and their ids: one per Scratch, direct-mapped, a collision
// replaces. Exact: an entry holds the whole word, and a word's ids depend on the word alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace embedserve {

class WordCache {
 public:
  static constexpr std::size_t kMaxWord = 15;  // bytes; with the length it makes a 16-byte key
  static constexpr std::size_t kMaxIds = 11;

  // Forgets everything if the words came from another tokenizer (numbered from 1) so far.
  void BelongTo(uint64_t tokenizer);

  // Appends the ids of `word` and returns true, or returns false.
  bool Append(std::string_view word, std::vector<int32_t>& ids) const;
  // Remembers them, if word and ids are short enough.
  void Put(std::string_view word, std::span<const int32_t> ids);

 private:
  static constexpr unsigned kEntriesLog2 = 13;  // 512 KiB

  using Key = std::array<uint64_t, 2>;
  struct alignas(64) Entry {
    Key key = {0, 0};  // the word, zero-padded, its length in the top byte; zero = empty entry
    uint32_t count = 0;
    std::array<int32_t, kMaxIds> ids;
  };
  static_assert(sizeof(Entry) == 64);

  static Key KeyOf(std::string_view word);
  static std::size_t Slot(const Key& key);  // index into entries_

  uint64_t tokenizer_ = 0;
  std::vector<Entry> entries_;  // allocated with the first tokenizer
};

}  // namespace embedserve
