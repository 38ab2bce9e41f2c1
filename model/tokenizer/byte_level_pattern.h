// Where the words of a byte-level tokenizer end: GPT-2's pattern as the library's regular
// expression engine reads it (tokenizers.md 2.2):
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Every text is the concatenation of its words.
#pragma once

#include <cstddef>
#include <string_view>

namespace embedserve {

// End of the word that begins at `text[at]`, at < text.size(). Valid UTF-8 only. Reads no more than
// the word and the white space and the character behind it.
std::size_t ByteLevelWordEnd(std::string_view text, std::size_t at);

// Bytes of the contraction ('s, 'll) that `rest` begins with, or 0.
std::size_t ContractionSize(std::string_view rest);

}  // namespace embedserve
