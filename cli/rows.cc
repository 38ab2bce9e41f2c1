#include "cli/rows.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "fmt/format.h"

namespace embedserve {
namespace {

float FromFloat16(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(fraction), -24)
                              : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float FromBFloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

}  // namespace

std::vector<float> ToFloat(const Rows& rows) {
  std::vector<float> values(static_cast<std::size_t>(rows.count) *
                            static_cast<std::size_t>(rows.dimensions));
  if (rows.type == OutputType::kFloat32) {
    std::memcpy(values.data(), rows.bytes.data(), values.size() * sizeof(float));
    return values;
  }
  const bool is_float16 = rows.type == OutputType::kFloat16;
  for (std::size_t i = 0; i < values.size(); ++i) {
    uint16_t half = 0;
    std::memcpy(&half, rows.bytes.data() + i * sizeof half, sizeof half);
    values[i] = is_float16 ? FromFloat16(half) : FromBFloat16(half);
  }
  return values;
}

std::string JsonLines(const Rows& rows) {
  const std::vector<float> values = ToFloat(rows);
  fmt::memory_buffer out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t column = i % static_cast<std::size_t>(rows.dimensions);
    fmt::format_to(std::back_inserter(out), "{}{}", column == 0 ? "[" : ", ", values[i]);
    if (column + 1 == static_cast<std::size_t>(rows.dimensions)) {
      out.append(std::string_view("]\n"));
    }
  }
  return fmt::to_string(out);
}

}  // namespace embedserve
