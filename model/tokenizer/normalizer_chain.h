// The normalizers of a tokenizer, one after the other. Immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/tokenizer/charsmap.h"
#include "model/tokenizer/normalizer.h"

namespace embedserve {

// White space at the ends vanishes.
struct StripEnds {
  bool left = false;
  bool right = false;
  bool operator==(const StripEnds&) const = default;
};

// Every occurrence of `pattern`, leftmost first, becomes `content`.
struct ReplaceText {
  std::string pattern;   // not empty
  bool extends = false;  // an occurrence goes on while the pattern's last byte comes again
  std::string content;
  bool operator==(const ReplaceText&) const = default;
};

// In front of every text but an empty one.
struct PrependText {
  std::string text;
  bool operator==(const PrependText&) const = default;
};

struct ApplyCharsmap {
  std::shared_ptr<const Charsmap> map;
  bool plain_runs = true;  // as FastPaths has it; a NormalizerChain sets its own
  bool operator==(const ApplyCharsmap& other) const { return *map == *other.map; }
};

using TextStep = std::variant<NormalizerStep, ApplyCharsmap, StripEnds, ReplaceText, PrependText>;

class NormalizerChain {
 public:
  // Buffers of one thread: what each link wrote.
  struct Buffers {
    struct Link {
      Normalizer::Buffers normalizer;
      std::string text;
    };
    std::vector<Link> links;
  };

  // Steps that lengthen a text multiply: of one byte, n of them can make 16^n. This bound is four
  // times the longest text that a tokenizer takes.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 27;

  // `plain_runs` as in Normalizer. `max_bytes`: of the normal form, after any step.
  explicit NormalizerChain(const std::vector<TextStep>& steps, bool plain_runs = true,
                           std::size_t max_bytes = kMaxBytes);

  // The normal form: `text` itself or a part of it where nothing else changes, else a view into
  // `buffers` that the next call overwrites. nullopt if a step makes it longer than max_bytes.
  // `origin`, if given: bytes of the text, and then of the normal form, that stem from its first
  // character (first_character.h).
  std::optional<std::string_view> Apply(std::string_view text, Buffers& buffers,
                                        std::size_t* origin = nullptr) const;

 private:
  // Neighbouring steps over characters are one Normalizer.
  using Link = std::variant<Normalizer, ApplyCharsmap, StripEnds, ReplaceText, PrependText>;
  std::vector<Link> links_;
  std::size_t max_bytes_;
};

}  // namespace embedserve
