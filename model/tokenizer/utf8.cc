#include "model/tokenizer/utf8.h"

#include <optional>

#include "model/tokenizer/tokenizer.h"
#include "simdjson.h"

namespace embedserve {
namespace {

// Bytes of the well-formed sequence at `at`, or 0 (Unicode standard, table 3-7).
std::size_t SequenceSize(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  std::size_t size = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return size;
}

}  // namespace

// The verdict comes from the vectorised validator; the offset, needed for bad texts only, from a
// plain walk.
std::optional<std::size_t> FirstInvalidUtf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = SequenceSize(text, at);
    if (size == 0) break;
    at += size;
  }
  return at;
}

}  // namespace embedserve
