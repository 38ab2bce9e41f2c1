#include "model/tokenizer/normalizer.h"

#include <algorithm>

#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

constexpr uint8_t kDropAscii = 0x80;

// ASCII scalars neither decompose nor are they CJK or marks.
uint8_t AsciiOf(const NormalizerStep& step, char32_t c) {
  if (const uint8_t erased = ErasedBy(c) & step.erase) {
    return erased == Erased::kNmtSpace ? ' ' : kDropAscii;
  }
  const uint8_t character_class = ClassOf(c);
  if (step.clean_text) {
    if (character_class & CharClass::kDropped) return kDropAscii;
    if (character_class & CharClass::kSpace) return ' ';
  }
  return static_cast<uint8_t>(step.lower_case ? LowerCase(c) : c);
}

// Copies printable ASCII text to `out`, in lower case if asked; returns false if there is anything
// else in it. A loop that the compiler turns into vectors.
bool CopyPrintable(std::string_view text, bool lower_case, std::string& out) {
  out.resize(text.size());
  const auto* from = reinterpret_cast<const unsigned char*>(text.data());
  char* to = out.data();
  const unsigned char distance = lower_case ? 'a' - 'A' : 0;
  unsigned char other = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = from[i];
    const bool capital = static_cast<unsigned char>(c - 'A') < 26;
    to[i] = static_cast<char>(c + (capital ? distance : 0));
    other |= static_cast<unsigned char>(c - ' ') > '~' - ' ';
  }
  return other == 0;
}

}  // namespace

// One step over one text. Scalars flow Clean -> Decompose -> Order -> Compose -> Emit.
class Normalizer::Run {
 public:
  Run(const Compiled& compiled, Buffers& buffers, std::string& out)
      : compiled_(compiled),
        step_(compiled.step),
        marks_(buffers.marks),
        apart_(buffers.apart),
        out_(out) {}

  void Over(std::string_view text, std::size_t limit) {
    std::size_t at = 0;
    while (at < text.size() && out_.size() <= limit) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80 && !step_.compose) {
        const uint8_t mapped = compiled_.ascii[byte];
        if (mapped != kDropAscii) {
          FlushMarks();
          out_.push_back(static_cast<char>(mapped));
        }
        ++at;
        continue;
      }
      const Scalar scalar = ScalarAt(text, at);
      Clean(scalar.value);
      at += scalar.size;
    }
    FlushMarks();
    FlushComposee();
  }

 private:
  static constexpr char32_t kNone = 0xFFFFFFFF;

  void Clean(char32_t c) {
    if (const uint8_t erased = step_.erase ? ErasedBy(c) & step_.erase : 0) {
      if (erased == Erased::kNmtSpace) Order(' ');
      return;
    }
    const uint8_t character_class = ClassOf(c);
    if (step_.clean_text) {
      if (character_class & CharClass::kDropped) return;
      if (character_class & CharClass::kSpace) return Order(' ');
    }
    if (step_.space_cjk && (character_class & CharClass::kCjk)) {
      Order(' ');
      Decompose(c);
      Order(' ');
      return;
    }
    Decompose(c);
  }

  void Decompose(char32_t c) {
    if (!step_.decompose) return Emit(c);
    if (c >= kFirstHangulSyllable && c <= kLastHangulSyllable) {
      const char32_t index = c - kFirstHangulSyllable;
      Order(0x1100 + index / 588);
      Order(0x1161 + index % 588 / 28);
      if (index % 28 != 0) Order(0x11A7 + index % 28);
      return;
    }
    std::u32string_view parts;
    if (step_.compatibility) parts = CompatibilityDecomposition(c);
    if (parts.empty()) parts = Decomposition(c);
    if (parts.empty()) return Order(c);
    for (const char32_t part : parts) Order(part);
  }

  // Canonical order: a run of marks is sorted by combining class, stably; class 0 ends the run,
  // even a mark of class 0 that is dropped afterwards. Other marks to be dropped need no place in
  // it.
  void Order(char32_t c) {
    const uint8_t combining_class = step_.decompose ? CombiningClass(c) : 0;
    const bool drop = step_.strip_nonspacing && (ClassOf(c) & CharClass::kNonspacing);
    if (combining_class == 0) {
      FlushMarks();
      if (!drop) Compose({c, 0});
    } else if (!drop) {
      marks_.push_back({c, combining_class});
    }
  }

  void FlushMarks() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(), [](const auto& a, const auto& b) {
      return a.combining_class < b.combining_class;
    });
    for (const Buffers::Mark& mark : marks_) Compose(mark);
    marks_.clear();
  }

  // Canonical composition: the last starter takes what follows, unless something between them has
  // the same class or a higher one.
  void Compose(Buffers::Mark mark) {
    if (!step_.compose) return Emit(mark.value);
    if (composee_ == kNone) {
      if (mark.combining_class != 0) return Emit(mark.value);
      composee_ = mark.value;
      return;
    }
    if (apart_.empty() || apart_.back().combining_class < mark.combining_class) {
      if (const char32_t composite = Composite(composee_, mark.value)) {
        composee_ = composite;
        return;
      }
    }
    if (mark.combining_class != 0) {
      apart_.push_back(mark);
      return;
    }
    FlushComposee();
    composee_ = mark.value;
  }

  void FlushComposee() {
    if (composee_ != kNone) Emit(composee_);
    for (const Buffers::Mark& mark : apart_) Emit(mark.value);
    composee_ = kNone;
    apart_.clear();
  }

  void Emit(char32_t c) {
    if (!step_.lower_case) return AppendScalar(c, out_);
    if (c == kCapitalDottedI) {
      AppendScalar('i', out_);
      AppendScalar(0x307, out_);
      return;
    }
    AppendScalar(LowerCase(c), out_);
  }

  const Compiled& compiled_;
  const NormalizerStep& step_;
  std::vector<Buffers::Mark>& marks_;
  std::vector<Buffers::Mark>& apart_;
  char32_t composee_ = kNone;
  std::string& out_;
};

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps, bool plain_runs) {
  for (const NormalizerStep& step : steps) {
    if (step == NormalizerStep()) continue;
    Compiled compiled = {step, {}, plain_runs};
    for (char32_t c = 0; c < 128; ++c) compiled.ascii[c] = AsciiOf(step, c);
    steps_.push_back(compiled);
  }
}

std::string_view Normalizer::Apply(std::string_view text, Buffers& buffers,
                                   std::size_t limit) const {
  std::size_t target = 0;
  for (const Compiled& compiled : steps_) {
    std::string& out = buffers.text[target];
    if (!compiled.plain || !CopyPrintable(text, compiled.step.lower_case, out)) {
      out.clear();
      Run(compiled, buffers, out).Over(text, limit);
    }
    text = out;
    if (text.size() > limit) break;  // a later step must not hide it
    target ^= 1;
  }
  return text;
}

}  // namespace embedserve
