#include "model/tokenizer/serde_number.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

namespace embedserve {
namespace {

constexpr int kLargestPower = 308;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The nearest double to 10^exponent, 0 <= exponent <= kLargestPower. A vocabulary asks for as many
// as it has pieces: each is computed once.
double PowerOfTen(int exponent) {
  static const std::array<double, kLargestPower + 1> kPowers = [] {
    std::array<double, kLargestPower + 1> computed;
    for (std::size_t i = 0; i < computed.size(); ++i) {
      computed[i] = std::strtod(("1e" + std::to_string(i)).c_str(), nullptr);
    }
    return computed;
  }();
  return kPowers[static_cast<std::size_t>(exponent)];
}

double Scaled(uint64_t digits, int exponent) {
  auto value = static_cast<double>(digits);
  while (exponent < -kLargestPower && value != 0) {
    value /= PowerOfTen(kLargestPower);
    exponent += kLargestPower;
  }
  if (value == 0) return 0;
  if (exponent < 0) return value / PowerOfTen(-exponent);
  return value * PowerOfTen(std::min(exponent, kLargestPower));
}

}  // namespace

double SerdeNumber(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  uint64_t digits = 0;
  int exponent = 0;
  bool full = false;  // a digit was one too many: it and all behind it do not count
  bool fraction = false;
  std::size_t at = 0;
  for (; at < text.size() && (IsDigit(text[at]) || text[at] == '.'); ++at) {
    if (text[at] == '.') {
      fraction = true;
      // After an integer part that is too long the fraction is tried anew.
      full = false;
      continue;
    }
    const auto digit = static_cast<uint64_t>(text[at] - '0');
    full |= digits > (std::numeric_limits<uint64_t>::max() - digit) / 10;
    if (!full) digits = digits * 10 + digit;
    if (full != fraction) exponent += fraction ? -1 : 1;
  }
  if (at < text.size()) {  // e or E
    constexpr int64_t kLimit = 100'000;
    const int64_t written = std::strtoll(std::string(text.substr(at + 1)).c_str(), nullptr, 10);
    exponent += static_cast<int>(std::clamp(written, -kLimit, kLimit));
  }
  const double value = Scaled(digits, exponent);
  return negative ? -value : value;
}

}  // namespace embedserve
