// Which of 64 bytes belong to given sets of ASCII characters, as bit masks: what the word scanners
// work on. By AVX-512, AVX2 or plain loops, chosen at run time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/tokenizer/fast_paths.h"

namespace embedserve {

inline constexpr std::size_t kBlockBytes = 64;

// The membership of a byte: bit (byte >> 4) of rows[byte & 15]. One shuffle finds the row of each
// byte, another the bit.
class AsciiSet {
 public:
  // The ASCII characters for which `contains` is true.
  template <typename Predicate>
  static AsciiSet Of(Predicate contains) {
    AsciiSet set;
    for (unsigned c = 0; c < 128; ++c) {
      if (contains(static_cast<unsigned char>(c))) {
        set.rows_[c & 15] = static_cast<uint8_t>(set.rows_[c & 15] | 1u << (c >> 4));
      }
    }
    return set;
  }
  bool Contains(unsigned char byte) const {
    return byte < 128 && (rows_[byte & 15] >> (byte >> 4) & 1) != 0;
  }
  const uint8_t* rows() const { return rows_.data(); }

 private:
  alignas(16) std::array<uint8_t, 16> rows_ = {};
};

// For each of `blocks` blocks at `text`: a mask for each set, then that of the bytes >= 0x80. Bit i
// stands for byte i of the block. `masks` has room for blocks * (sets.size() + 1).
void ClassifyBlocks(SimdLevel level, const char* text, std::size_t blocks,
                    std::span<const AsciiSet> sets, uint64_t* masks);

}  // namespace embedserve
