// Where words begin and end, found 64 bytes at a time by arithmetic on class masks. Gives what
// ByteLevelWordEnd and the BERT pre-tokenizer's rule give; scalars beyond ASCII cost a look-up in
// the Unicode tables each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "model/tokenizer/class_masks.h"

namespace embedserve {

// A copy of a text with kPadding zero bytes behind it, so that whole blocks and keys may be read.
class PaddedText {
 public:
  static constexpr std::size_t kPadding = 2 * kBlockBytes;

  // The copy of both, one after the other; it lives until the next call.
  std::string_view Assign(std::string_view first, std::string_view second = {});

 private:
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> bytes_;
};

// Some words of a text, in order: word i is [begins[i], ends[i]).
struct WordBounds {
  std::size_t count = 0;  // 0: there are no more
  const uint32_t* begins = nullptr;
  const uint32_t* ends = nullptr;
};

// The class masks of the blocks of a padded text, one after the other. Each byte of a scalar has
// the scalar's class.
class BlockReader {
 public:
  static constexpr std::size_t kClasses = 3;
  static constexpr std::size_t kSets = 5;  // the classes, then two sets of ASCII characters alone
  struct Rule {
    std::array<AsciiSet, kSets> sets;
    std::array<uint8_t, kClasses> classes;  // bits of ClassOf, for scalars beyond ASCII
  };
  struct Masks {
    std::array<uint64_t, kSets> in;
    uint64_t high;   // bytes >= 0x80
    uint64_t leads;  // first bytes of scalars
    uint64_t lasts;  // last bytes of scalars
    uint64_t wide2;  // first bytes of white space of two bytes
    uint64_t wide3;  // ... and of three
  };

  BlockReader(SimdLevel level, std::string_view text, const Rule& rule)
      : level_(level), text_(text), rule_(rule) {}

  // Of the next block; past the text's end its bytes are NUL.
  Masks Next();

 private:
  static constexpr std::size_t kAhead = 16;
  void Fill(std::size_t at, Masks& masks);

  SimdLevel level_;
  std::string_view text_;
  const Rule& rule_;
  std::size_t block_ = 0;
  // What the last scalar of a block leaves to the next block.
  uint64_t spilled_ = 0;
  std::array<uint64_t, kClasses> spilled_in_ = {};
  uint64_t spilled_last_ = 0;
  std::array<uint64_t, kAhead*(kSets + 1)> raw_;
};

// Words of the byte-level pattern (byte_level_pattern.h).
class ByteLevelScanner {
 public:
  // `text` is padded (PaddedText) valid UTF-8 and outlives the scanner.
  ByteLevelScanner(SimdLevel level, std::string_view text);
  WordBounds Next();

 private:
  static constexpr std::size_t kChunkBlocks = 16;
  BlockReader::Masks Read();
  uint64_t Starts(const BlockReader::Masks& masks, const BlockReader::Masks& next);
  uint64_t ApplyContractions(uint64_t starts, uint64_t apostrophes);

  std::string_view text_;
  BlockReader reader_;
  BlockReader::Masks current_;
  std::size_t read_ = 0;   // blocks
  std::size_t block_ = 0;  // whose starts come next
  uint32_t begin_ = 0;     // of the first word not given yet
  // The classes of the last byte of the block before, in bit 0.
  uint64_t letter_ = 0, number_ = 0, white_ = 0, other_ = 0, space_ = 0;
  uint64_t added_ = 0, removed_ = 0;  // starts changed by a contraction of the block before
  std::array<uint32_t, kChunkBlocks * kBlockBytes + 2> starts_;
};

// Words of the BERT pre-tokenizer: what stands between white space, each punctuation mark alone.
class BertScanner {
 public:
  // As for ByteLevelScanner.
  BertScanner(SimdLevel level, std::string_view text);
  WordBounds Next();

 private:
  static constexpr std::size_t kChunkBlocks = 16;

  std::string_view text_;
  BlockReader reader_;
  std::size_t block_ = 0;
  uint64_t word_ = 0;         // the last byte of the block before was in a word: bit 0
  uint64_t punctuation_ = 0;  // ... was the last of a punctuation mark
  bool open_ = false;         // a word has begun at begin_ that is not given yet
  uint32_t begin_ = 0;
  std::array<uint32_t, kChunkBlocks * kBlockBytes + 1> begins_;
  std::array<uint32_t, kChunkBlocks * kBlockBytes + 1> ends_;
};

}  // namespace embedserve
