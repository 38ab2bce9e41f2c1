// What a line is (--input, --pairs). Lines end at LF; one CR before it is dropped; a byte order
// mark at the start of the file is dropped; nothing else ends a line (U+2028, U+0085, VT and FF do
// not). The last line needs no LF, an empty line is an empty text. Tabs separate columns, quotes
// are ordinary characters.
//
// Errors are INVALID_ARGUMENT "NAME: line 3: ..."; lines and bytes count from 1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

// Contents of a file, or of standard input for "-" or "". Pipes and empty files are fine.
absl::StatusOr<std::string> ReadInput(const std::string& path);
std::string_view InputName(std::string_view path);  // "standard input" for those

// The lines, views into `content`. Invalid UTF-8 is an error with line and byte.
absl::StatusOr<std::vector<std::string_view>> SplitLines(std::string_view content,
                                                         std::string_view name);

// (lines x columns), row-major. A line with another number of columns is an error.
absl::StatusOr<std::vector<std::string_view>> SplitColumns(std::string_view content,
                                                           std::string_view name,
                                                           std::size_t columns);

// One JSON string a line, so that a text may hold any character.
absl::StatusOr<std::vector<std::string>> ParseJsonLines(std::string_view content,
                                                        std::string_view name);

}  // namespace embedserve
