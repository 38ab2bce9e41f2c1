#include "model/tokenizer/unicode_tables.h"

#include <algorithm>

namespace embedserve {

#include "model/tokenizer/unicode_tables.inc"

namespace {

// Hangul syllables are composed by arithmetic: 19 leads, 21 vowels, 27 tails or none.
constexpr char32_t kFirstLead = 0x1100;
constexpr char32_t kFirstVowel = 0x1161;
constexpr char32_t kBeforeFirstTail = 0x11A7;
constexpr char32_t kLeads = 19;
constexpr char32_t kVowels = 21;
constexpr char32_t kTails = 28;  // none is one of them

char32_t HangulComposite(char32_t first, char32_t second) {
  const char32_t lead = first - kFirstLead;  // huge where it is none, as the others
  const char32_t vowel = second - kFirstVowel;
  if (lead < kLeads && vowel < kVowels) {
    return kFirstHangulSyllable + (lead * kVowels + vowel) * kTails;
  }
  const char32_t tail = second - kBeforeFirstTail;
  const bool open = first >= kFirstHangulSyllable && first <= kLastHangulSyllable &&
                    (first - kFirstHangulSyllable) % kTails == 0;
  return open && tail > 0 && tail < kTails ? first + tail : 0;
}

}  // namespace

char32_t Composite(char32_t first, char32_t second) {
  if (const char32_t syllable = HangulComposite(first, second)) return syllable;
  const uint64_t pair = uint64_t{first} << 32 | second;
  const uint64_t* const end = kCompositionPairs + kCompositions;
  const uint64_t* const found = std::lower_bound(kCompositionPairs, end, pair);
  return found != end && *found == pair ? kComposites[found - kCompositionPairs] : 0;
}

}  // namespace embedserve
