// Words of up to 15 bytes and their at most four ids, in a table of bounded size: two entries share
// a cache line, the older one gives way. Exact: an entry holds the whole word.
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
    // By loads that overlap and stay inside the word: a copy of a size known only here is a call.
    const std::size_t size = word.size();
    const auto load = [&]<typename Bytes>(std::size_t at, Bytes bytes) {
      std::memcpy(&bytes, word.data() + at, sizeof(bytes));
      return uint64_t{bytes};
    };
    WordKey key;
    if (size >= 8) {
      key.low = load(0, uint64_t{});
      key.high = load(size - 8, uint64_t{}) >> 8 * (15 - size) >> 8;
    } else if (size >= 4) {
      key.low = load(0, uint32_t{}) | load(size - 4, uint32_t{}) << 8 * (size - 4);
    } else if (size > 0) {
      key.low = load(0, uint8_t{}) | load(size / 2, uint8_t{}) << 8 * (size / 2) |
                load(size - 1, uint8_t{}) << 8 * (size - 1);
    }
    key.high |= static_cast<uint64_t>(size) << 56;
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
  // A key that is no word's, and back.
  WordKey AsMark() const { return {low, high | kMark}; }
  WordKey WithoutMark() const { return {low, high & ~kMark}; }
  bool operator==(const WordKey& other) const {
    return ((low ^ other.low) | (high ^ other.high)) == 0;
  }

 private:
  static constexpr uint64_t kMark = uint64_t{1} << 63;  // lengths are smaller
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
  // When a quarter of it was put in, the table becomes four times as large, up to 2^most_log2
  // words: few words then lie in few cache lines and pages, and the first ones cost little.
  void Allocate(unsigned entries_log2, unsigned most_log2);
  bool allocated() const { return lines_ != nullptr; }

  // Of a Find that comes soon; `hash` is the key's.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&lines_[hash >> shift_]); }
  // Writes kMaxIds integers to `out`, whatever they are, and returns the end of the word's ids, or
  // nullptr if the word is not there.
  int32_t* Find(const WordKey& key, uint64_t hash, int32_t* out) const {
    const Line& line = lines_[hash >> shift_];
    const bool second = line.entries[1].key == key;
    const Entry& entry = line.entries[second];
    if (!(entry.key == key)) return nullptr;
    std::memcpy(out, entry.ids.data(), sizeof(entry.ids));
    const auto last = static_cast<uint32_t>(entry.ids[kMaxIds - 1]);
    out[kMaxIds - 1] = static_cast<int32_t>(last & (kIdLimit - 1));
    return out + (last >> 24);
  }
  // ids.size() <= kMaxIds; the key is not there yet.
  void Put(const WordKey& key, std::span<const int32_t> ids) { PutAt(key.Hash(), key, ids); }

  // A mark instead of ids: Find does not see it. For what the caller keeps about a word elsewhere.
  void Mark(const WordKey& key) { PutAt(key.Hash(), key.AsMark(), {}); }
  bool Marked(const WordKey& key, uint64_t hash) const {
    const Line& line = lines_[hash >> shift_];
    return line.entries[0].key == key.AsMark() || line.entries[1].key == key.AsMark();
  }

 private:
  struct alignas(32) Entry {
    WordKey key;
    std::array<int32_t, kMaxIds> ids;  // the count stands in the top byte of the last
  };
  struct alignas(64) Line {
    std::array<Entry, 2> entries;  // the newer first
  };
  struct Release {
    Release() : Release(0, 0) {}
    Release(std::size_t in_front, std::size_t in_all) : before(in_front), mapped(in_all) {}
    std::size_t before;  // bytes mapped in front of the lines
    std::size_t mapped;  // bytes mapped in all; 0: the lines come from operator new
    void operator()(Line* lines) const;
  };
  using Lines = std::unique_ptr<Line[], Release>;

  static Lines NewLines(std::size_t count);
  void PutAt(uint64_t hash, const WordKey& key, std::span<const int32_t> ids);
  void Store(uint64_t hash, const Entry& entry);
  void Grow();

  Lines lines_;
  unsigned shift_ = 0;
  unsigned entries_log2_ = 0;
  unsigned most_log2_ = 0;
  std::size_t put_ = 0;  // since the table became so large
};

}  // namespace embedserve
