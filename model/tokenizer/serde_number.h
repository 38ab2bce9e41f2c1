// Numbers as the pinned library's JSON reader rounds them (tokenizers.md 2.4.6).
#pragma once

#include <string_view>

namespace embedserve {

// `text` is a JSON number with a fraction, an exponent, or more digits than 64 bits hold. All
// digits that fit make one 64-bit integer, which is rounded to double and then scaled by one power
// of ten: often one unit in the last place off the nearest double.
double SerdeNumber(std::string_view text);

}  // namespace embedserve
