#include "model/tokenizer/byte_level_pattern.h"

#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

// One of the three bits, or 0 for a scalar that is neither.
uint8_t KindOf(char32_t c) {
  return ClassOf(c) & (CharClass::kLetter | CharClass::kNumber | CharClass::kSpace);
}

std::size_t EndOfRun(std::string_view text, std::size_t at, uint8_t kind) {
  while (at < text.size()) {
    const Scalar scalar = ScalarAt(text, at);
    if (KindOf(scalar.value) != kind) break;
    at += scalar.size;
  }
  return at;
}

// End of a word of white space alone: the run leaves its last character to what follows it.
std::size_t EndOfWhiteSpace(std::string_view text, std::size_t begin) {
  const std::size_t end = EndOfRun(text, begin, CharClass::kSpace);
  if (end == text.size()) return end;
  const std::size_t last = end - ScalarBefore(text, end).size;
  return last == begin ? end : last;
}

}  // namespace

std::size_t ContractionSize(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != '\'') return 0;
  switch (rest[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return rest.size() > 2 && rest[2] == 'e' ? 3 : 0;
    case 'l':
      return rest.size() > 2 && rest[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

std::size_t ByteLevelWordEnd(std::string_view text, std::size_t at) {
  if (const std::size_t size = ContractionSize(text.substr(at)); size > 0) return at + size;
  const Scalar first = ScalarAt(text, at);
  const uint8_t kind = KindOf(first.value);
  if (kind != CharClass::kSpace) return EndOfRun(text, at + first.size, kind);
  if (first.value == ' ' && at + 1 < text.size()) {
    const uint8_t following = KindOf(ScalarAt(text, at + 1).value);
    if (following != CharClass::kSpace) return EndOfRun(text, at + 1, following);
  }
  return EndOfWhiteSpace(text, at);
}

}  // namespace embedserve
