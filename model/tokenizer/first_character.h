// How much of a normal form stems from the first character of a text: what a Metaspace with the
// scheme "first" asks (tokenizers.md 2.4.4). The library follows each character's place in the
// text; these functions follow the end of that first stretch alone.
#pragma once

#include <cstddef>
#include <string_view>

#include "model/tokenizer/normalizer_chain.h"

namespace embedserve {

// Of the first `origin` bytes of `text`, which stem from that character: the bytes that do in the
// step's result. Steps over characters (NormalizerStep) are not followed: 0.
std::size_t FirstCharacterAfter(const StripEnds& step, std::string_view text, std::size_t origin);
std::size_t FirstCharacterAfter(const ReplaceText& step, std::string_view text, std::size_t origin);
std::size_t FirstCharacterAfter(const PrependText& step, std::string_view text, std::size_t origin);
std::size_t FirstCharacterAfter(const ApplyCharsmap& step, std::string_view text,
                                std::size_t origin);

}  // namespace embedserve
