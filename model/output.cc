#include "model/output.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "fmt/format.h"
#include "model/engine/l2_normalize.h"
#include "model/engine/simd.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

static_assert(std::endian::native == std::endian::little,
              "rows are written as the host has them; the wire wants little-endian");

constexpr std::array<std::string_view, 7> kNames = {"float32", "float16", "bfloat16", "int8",
                                                    "uint8",   "binary",  "ubinary"};

// IEEE binary16, rounded to nearest even; finite input only, infinity when out of range.
uint16_t ToFloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude < 0x38800000U) {
    // Below 2^-14 the result is a multiple of 2^-24. Adding 0.5, whose last bit is worth just that,
    // lets the addition round; the multiple then stands in the mantissa.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000U));
  }
  if (magnitude >= 0x47800000U) return static_cast<uint16_t>(sign | 0x7c00U);  // 2^16 and more
  // Exponent bias 127 -> 15 is a subtraction of 112 << 23; 13 mantissa bits are rounded away, and
  // a carry runs into the exponent, up to infinity, as it should.
  const uint32_t rebiased = magnitude - (112U << 23);
  return static_cast<uint16_t>(sign | ((rebiased + 0xfffU + ((rebiased >> 13) & 1U)) >> 13));
}

absl::Status BeyondRange(std::size_t index, float value, OutputType type) {
  return absl::FailedPreconditionError(
      fmt::format("value {} of the embedding is {}, beyond the range of {}; ask for float32", index,
                  value, Name(type)));
}

template <typename Convert>
absl::Status AppendHalves(std::span<const float> row, OutputType type, uint16_t infinity,
                          Convert convert, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + row.size() * sizeof(uint16_t));
  for (std::size_t i = 0; i < row.size(); ++i) {
    const uint16_t half = convert(row[i]);
    if ((half & 0x7fffU) == infinity) {
      out.resize(start);
      return BeyondRange(i, row[i], type);
    }
    std::memcpy(out.data() + start + i * sizeof half, &half, sizeof half);
  }
  return absl::OkStatus();
}

absl::Status NotServed(OutputType type) {
  return absl::UnimplementedError(fmt::format(
      "output type {} is not served yet; ask for float32, float16 or bfloat16", Name(type)));
}

}  // namespace

std::string_view Name(OutputType type) { return kNames[static_cast<std::size_t>(type)]; }

std::optional<OutputType> OutputTypeFromName(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<OutputType>(found - kNames.begin());
}

std::size_t RowBytes(OutputType type, int dimensions) {
  const auto n = static_cast<std::size_t>(dimensions);
  switch (type) {
    case OutputType::kFloat32:
      return 4 * n;
    case OutputType::kFloat16:
    case OutputType::kBFloat16:
      return 2 * n;
    case OutputType::kInt8:
    case OutputType::kUint8:
      return n;
    case OutputType::kBinary:
    case OutputType::kUbinary:
      return (n + 7) / 8;
  }
  return 0;
}

std::span<float> FinishRow(std::span<float> row, const OutputOptions& options) {
  if (options.folder_normalizes && options.normalize.value_or(true)) L2Normalize(row);
  if (options.dimensions > 0) row = row.first(static_cast<std::size_t>(options.dimensions));
  if (options.normalize.value_or(false)) L2Normalize(row);
  return row;
}

absl::Status CheckFinite(std::span<const float> row) {
  const auto bad =
      std::find_if_not(row.begin(), row.end(), [](float x) { return std::isfinite(x); });
  if (bad == row.end()) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("value {} of the embedding is {}: the model overflowed on this text",
                  bad - row.begin(), *bad));
}

absl::Status AppendRow(std::span<const float> row, OutputType type, std::string& out) {
  RETURN_IF_ERROR(CheckFinite(row));
  switch (type) {
    case OutputType::kFloat32:
      out.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
      return absl::OkStatus();
    case OutputType::kFloat16:
      return AppendHalves(row, type, 0x7c00U, ToFloat16, out);
    case OutputType::kBFloat16:
      return AppendHalves(
          row, type, 0x7f80U, [](float x) { return ToBf16(x).bits; }, out);
    case OutputType::kInt8:
    case OutputType::kUint8:
    case OutputType::kBinary:
    case OutputType::kUbinary:
      return NotServed(type);
  }
  return absl::OkStatus();
}

}  // namespace embedserve
