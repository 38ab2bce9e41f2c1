// Words of up to 15 bytes and their at most four ids, in a table of fixed size: two entries share a
// cache line, the older one gives way. Exact: an entry holds the whole word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace embedserve {

// A word with its length in the top byte; zero is no word.
struct WordKey {
  static constexpr std::size_t kMaxBytes = 15;

  uint64_t low = 0;
  uint64_t high = 0;

  static WordKey Of(std::string_view word) {  // word.size() <= kMaxBytes
    WordKey key;
    std::memcpy(&key, word.data(), word.size());
    key.high |= static_cast<uint64_t>(word.size()) << 56;
    return key;
  }
  // The same from a place where 16 bytes may be read.
  static WordKey Padded(const char* word, std::size_t size) {
    WordKey key;
    std::memcpy(&key, word, sizeof(key));
    const Mask& mask = kMasks[size];
    return {key.low & mask.low, (key.high & mask.high) | mask.size};
  }
  uint64_t Hash() const {
    // Two halves multiplied to 128 bits and folded; the constants are digits of pi.
    const auto product =
        static_cast<unsigned __int128>(low ^ 0x243F6A8885A308D3u) * (high ^ 0x13198A2E03707344u);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  bool operator==(const WordKey& other) const {
    return ((low ^ other.low) | (high ^ other.high)) == 0;
  }

 private:
  struct Mask {
    uint64_t low;
    uint64_t high;
    uint64_t size;
    uint64_t padding;
  };
  static const std::array<Mask, kMaxBytes + 1> kMasks;
};

class WordTable {
 public:
  static constexpr std::size_t kMaxIds = 4;
  static constexpr int32_t kIdLimit = 1 << 24;  // ids must be smaller

  // Room for 2^entries_log2 words, at least 4; what was there is forgotten. No memory until then.
  void Allocate(unsigned entries_log2);
  bool allocated() const { return lines_ != nullptr; }

  // Writes kMaxIds integers to `out`, whatever they are, and returns the end of the word's ids, or
  // nullptr if the word is not there.
  int32_t* Find(const WordKey& key, int32_t* out) const {
    const Line& line = lines_[key.Hash() >> shift_];
    const bool second = line.entries[1].key == key;
    const Entry& entry = line.entries[second];
    if (!(entry.key == key)) return nullptr;
    std::memcpy(out, entry.ids.data(), sizeof(entry.ids));
    const auto last = static_cast<uint32_t>(entry.ids[kMaxIds - 1]);
    out[kMaxIds - 1] = static_cast<int32_t>(last & (kIdLimit - 1));
    return out + (last >> 24);
  }
  // ids.size() <= kMaxIds; the key is not there yet.
  void Put(const WordKey& key, std::span<const int32_t> ids);

 private:
  struct alignas(32) Entry {
    WordKey key;
    std::array<int32_t, kMaxIds> ids;  // the count stands in the top byte of the last
  };
  struct alignas(64) Line {
    std::array<Entry, 2> entries;  // the newer first
  };
  struct Unmap {
    Unmap() : Unmap(0, 0) {}
    Unmap(std::size_t mapped_before, std::size_t mapped) : before(mapped_before), bytes(mapped) {}
    std::size_t before;  // bytes mapped in front of the lines
    std::size_t bytes;   // mapped in all
    void operator()(Line* lines) const;
  };

  std::unique_ptr<Line[], Unmap> lines_;
  unsigned shift_ = 0;
};

}  // namespace embedserve
