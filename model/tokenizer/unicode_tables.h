// What each Unicode scalar is to the reference library: generated tables
// (generate_unicode_tables.py) behind inline look-ups. The library carries four versions of Unicode
// at once (tokenizers.md 2.1), so no general-purpose Unicode library may stand here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace embedserve {

// Bits of ClassOf().
struct CharClass {
  static constexpr uint8_t kLetter = 1;        // \p{L} of the byte-level pattern
  static constexpr uint8_t kNumber = 2;        // \p{N} of the byte-level pattern
  static constexpr uint8_t kSpace = 4;         // white space, everywhere
  static constexpr uint8_t kWord = 8;          // \w beside a single_word added token
  static constexpr uint8_t kPunctuation = 16;  // isolated by the BERT pre-tokenizer
  static constexpr uint8_t kDropped = 32;      // removed by BERT's clean_text, NUL and U+FFFD too
  static constexpr uint8_t kCjk = 64;          // gets a space on both sides
  static constexpr uint8_t kNonspacing = 128;  // Mn: removed by strip_accents
};

// Bits of ClusterOf(): what decides where a grapheme cluster ends.
struct ClusterClass {
  static constexpr uint8_t kJoinsLeft = 1;         // to what stands before it, but a control
  static constexpr uint8_t kExtend = 2;            // may stand between a pictograph and its joiner
  static constexpr uint8_t kJoinsRight = 4;        // to what stands behind it, but a control
  static constexpr uint8_t kControl = 8;           // joins nothing
  static constexpr uint8_t kPictographic = 16;     // joined to another by U+200D
  static constexpr uint8_t kConsonant = 32;        // joined to another by a linker
  static constexpr uint8_t kLinker = 64;           // between consonants
  static constexpr uint8_t kConjunctExtend = 128;  // may stand beside the linker
};

// Bits of ErasedBy(): what the normalizers StripAccents and Nmt take out of a text.
struct Erased {
  static constexpr uint8_t kMark = 1;        // a mark of any kind: dropped by StripAccents
  static constexpr uint8_t kNmtDropped = 2;  // dropped by Nmt
  static constexpr uint8_t kNmtSpace = 4;    // becomes U+0020 by Nmt
};

inline constexpr std::size_t kUnicodeBlockSize = 64;
inline constexpr std::size_t kUnicodeBlocks = 0x110000 / kUnicodeBlockSize;

// Two stages: kXBlocks[c / 64] is the number of the block of kXValues that holds c's value.
extern const uint16_t kClassBlocks[kUnicodeBlocks];
extern const uint8_t kClassValues[];
extern const uint16_t kClusterBlocks[kUnicodeBlocks];
extern const uint8_t kClusterValues[];
extern const uint16_t kCombiningClassBlocks[kUnicodeBlocks];
extern const uint8_t kCombiningClassValues[];
extern const uint16_t kDecompositionBlocks[kUnicodeBlocks];
extern const uint16_t kDecompositionValues[];  // position in the pool << 3 | length; 0 = none
extern const char32_t kDecompositionPool[];
extern const uint16_t kCompatibilityBlocks[kUnicodeBlocks];
extern const uint32_t kCompatibilityValues[];  // position in the pool << 5 | length; 0 = none
extern const char32_t kCompatibilityPool[];
extern const std::size_t kCompositions;     // elements of the next two
extern const uint64_t kCompositionPairs[];  // first << 32 | second, in ascending order
extern const char32_t kComposites[];        // what they become
extern const uint16_t kErasedBlocks[kUnicodeBlocks];
extern const uint8_t kErasedValues[];
extern const uint16_t kLowerShiftBlocks[kUnicodeBlocks];
extern const uint8_t kLowerShiftValues[];  // index into kLowerShifts
extern const int32_t kLowerShifts[];

template <typename T>
inline T UnicodeValue(const uint16_t* blocks, const T* values, char32_t c) {
  return values[blocks[c / kUnicodeBlockSize] * kUnicodeBlockSize + c % kUnicodeBlockSize];
}

inline uint8_t ClassOf(char32_t c) { return UnicodeValue(kClassBlocks, kClassValues, c); }

inline uint8_t ClusterOf(char32_t c) { return UnicodeValue(kClusterBlocks, kClusterValues, c); }

// Canonical combining class; 0 = starter.
inline uint8_t CombiningClass(char32_t c) {
  return UnicodeValue(kCombiningClassBlocks, kCombiningClassValues, c);
}

inline constexpr char32_t kFirstHangulSyllable = 0xAC00;
inline constexpr char32_t kLastHangulSyllable = 0xD7A3;

// Full canonical decomposition, or empty where NFD keeps the scalar. Hangul syllables are not in
// the table: they decompose by arithmetic.
inline std::u32string_view Decomposition(char32_t c) {
  const uint16_t value = UnicodeValue(kDecompositionBlocks, kDecompositionValues, c);
  return std::u32string_view(kDecompositionPool + (value >> 3), value & 7);
}

// What NFKD makes of a scalar where that differs from NFD, or empty.
inline std::u32string_view CompatibilityDecomposition(char32_t c) {
  const uint32_t value = UnicodeValue(kCompatibilityBlocks, kCompatibilityValues, c);
  return std::u32string_view(kCompatibilityPool + (value >> 5), value & 31);
}

// The scalar that NFC puts in place of the two, Hangul too; 0 = none.
char32_t Composite(char32_t first, char32_t second);

inline uint8_t ErasedBy(char32_t c) { return UnicodeValue(kErasedBlocks, kErasedValues, c); }

// The one scalar that becomes two in lower case: i U+0307.
inline constexpr char32_t kCapitalDottedI = 0x130;

// Lower case of any scalar but kCapitalDottedI, one by one (no final sigma).
inline char32_t LowerCase(char32_t c) {
  const uint8_t shift = UnicodeValue(kLowerShiftBlocks, kLowerShiftValues, c);
  return static_cast<char32_t>(static_cast<int32_t>(c) + kLowerShifts[shift]);
}

}  // namespace embedserve
