// Text as the tokenizer's model sees it: dropped and replaced characters, spaces round CJK, Unicode
// normal forms, no accents, lower case (tokenizers.md 2.3). Immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/unicode_tables.h"

namespace embedserve {

// One step; what is switched on happens in the order of the fields.
struct NormalizerStep {
  uint8_t erase = 0;              // bits of Erased: dropped, or U+0020 in their place
  bool clean_text = false;        // drop control characters, other white space becomes U+0020
  bool space_cjk = false;         // a space on both sides of each CJK ideograph
  bool decompose = false;         // NFD
  bool compatibility = false;     // ... NFKD in its place; needs decompose
  bool strip_nonspacing = false;  // then drop Mn; needs decompose
  bool compose = false;           // then NFC, or NFKC; needs decompose
  bool lower_case = false;        // per character, no final sigma

  // The library's BertNormalizer. strip_accents = null means lower_case.
  static NormalizerStep Bert(bool clean_text, bool space_cjk, bool strip_accents, bool lower_case) {
    return {.clean_text = clean_text,
            .space_cjk = space_cjk,
            .decompose = strip_accents,
            .strip_nonspacing = strip_accents,
            .lower_case = lower_case};
  }
  static NormalizerStep Lowercase() { return {.lower_case = true}; }
  static NormalizerStep Nfd() { return {.decompose = true}; }
  static NormalizerStep Nfkd() { return {.decompose = true, .compatibility = true}; }
  static NormalizerStep Nfc() { return {.decompose = true, .compose = true}; }
  static NormalizerStep Nfkc() {
    return {.decompose = true, .compatibility = true, .compose = true};
  }
  static NormalizerStep StripAccents() { return {.erase = Erased::kMark}; }
  static NormalizerStep Nmt() { return {.erase = Erased::kNmtDropped | Erased::kNmtSpace}; }

  bool operator==(const NormalizerStep&) const = default;
};

class Normalizer {
 public:
  // Buffers of one thread.
  struct Buffers {
    struct Mark {
      char32_t value;
      uint8_t combining_class;
    };
    std::string text[2];
    std::vector<Mark> marks;  // of the character under way, waiting to be put in order
    std::vector<Mark> apart;  // those that the character under way could not be composed with
  };

  // `plain_runs`: printable ASCII text goes past the tables (fast_paths.h).
  explicit Normalizer(const std::vector<NormalizerStep>& steps, bool plain_runs = true);

  // The normal form: `text` itself where there is no step, else a view into `buffers` that the next
  // call overwrites. Linear, but for the sorting of a run of combining marks. Stops once the result
  // is longer than `limit` bytes.
  std::string_view Apply(std::string_view text, Buffers& buffers,
                         std::size_t limit = std::string_view::npos) const;

 private:
  struct Compiled {
    NormalizerStep step;
    std::array<uint8_t, 128> ascii;  // what becomes of each ASCII character; kDropAscii = nothing
    bool plain;  // printable ASCII text stays as it is but for letters in lower case
  };
  class Run;

  std::vector<Compiled> steps_;
};

}  // namespace embedserve
