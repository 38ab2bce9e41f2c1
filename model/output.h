// Engine row -> what the caller asked for: normalise, cut, normalise again, cast
// (semantics.md 2.5).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace embedserve {

// The values of the wire's OutputType. int8 and the binary types are refused until they are served.
enum class OutputType { kFloat32, kFloat16, kBFloat16, kInt8, kUint8, kBinary, kUbinary };
std::string_view Name(OutputType type);  // "float32", ...
std::optional<OutputType> OutputTypeFromName(std::string_view name);

struct OutputOptions {
  bool folder_normalizes = false;  // ModelFolder::normalizes
  // Unset: the folder's Normalize if any, then the cut, which is not renormalised. true: also
  // L2-normalise after the cut. false: leave out the folder's final Normalize.
  std::optional<bool> normalize = std::nullopt;
  int dimensions = 0;  // keep the first n; 0 = all
  OutputType type = OutputType::kFloat32;
};

// Bytes of one row of `dimensions` values.
std::size_t RowBytes(OutputType type, int dimensions);

// Normalises and cuts `row` (width of the engine) in place; returns the part that is left.
std::span<float> FinishRow(std::span<float> row, const OutputOptions& options);

// INTERNAL, naming the value, if one is not finite.
absl::Status CheckFinite(std::span<const float> row);

// Appends a finished row as little-endian `type`; fp16 and bf16 round to nearest even.
// UNIMPLEMENTED for types that are not served; INTERNAL naming the value's index if not finite.
absl::Status AppendRow(std::span<const float> row, OutputType type, std::string& out);

}  // namespace embedserve
