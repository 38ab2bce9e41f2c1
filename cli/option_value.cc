#include "cli/option_value.h"

#include <array>
#include <charconv>
#include <cmath>

#include "fmt/format.h"

namespace embedserve {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// Longer names first: "5ms" ends in "s" too.
constexpr std::array kByteUnits = {Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20}, Unit{"GiB", 0x1p30}};
constexpr std::array kTimeUnits = {Unit{"min", 60}, Unit{"ms", 1e-3}, Unit{"us", 1e-6},
                                   Unit{"s", 1}};

template <typename Units>
double TakeUnit(const Units& units, std::string_view& text) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.name)) continue;
    text.remove_suffix(unit.name.size());
    return unit.factor;
  }
  return 1;
}

template <typename Value>
std::optional<Value> ParseWhole(std::string_view text) {
  Value value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename Value, typename Parse>
OptionValue InRange(Store<Value> store, Value min, Value max, Parse parse, std::string allowed,
                    std::string word) {
  return {[=](std::string_view text, Options& options) {
            const std::optional<Value> value = parse(text);
            if (!value.has_value() || *value < min || *value > max) return false;
            store(options, *value);
            return true;
          },
          std::move(allowed), std::move(word)};
}

}  // namespace

std::optional<int64_t> ParseInteger(std::string_view text) { return ParseWhole<int64_t>(text); }

std::optional<double> ParseNumber(std::string_view text) {
  const std::optional<double> value = ParseWhole<double>(text);
  return value.has_value() && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<int64_t> ParseBytes(std::string_view text) {
  const double factor = TakeUnit(kByteUnits, text);
  const std::optional<int64_t> count = ParseInteger(text);
  if (!count.has_value() || std::abs(static_cast<double>(*count)) * factor > 0x1p53) {
    return std::nullopt;
  }
  return *count * static_cast<int64_t>(factor);
}

std::optional<double> ParseSeconds(std::string_view text) {
  const double factor = TakeUnit(kTimeUnits, text);
  const std::optional<double> count = ParseNumber(text);
  return count.has_value() ? std::optional(*count * factor) : std::nullopt;
}

OptionValue TextValue(Store<std::string> store, std::string word) {
  return {[store = std::move(store)](std::string_view text, Options& options) {
            store(options, std::string(text));
            return true;
          },
          "", std::move(word)};
}

OptionValue IntegerValue(Store<int64_t> store, int64_t min, int64_t max) {
  return InRange(std::move(store), min, max, ParseInteger,
                 fmt::format("an integer from {} to {}", min, max), "N");
}

OptionValue NumberValue(Store<double> store, double min, double max) {
  return InRange(std::move(store), min, max, ParseNumber,
                 fmt::format("a number from {} to {}", min, max), "X");
}

OptionValue BytesValue(Store<int64_t> store, int64_t min, int64_t max) {
  return InRange(std::move(store), min, max, ParseBytes,
                 fmt::format("a size from {} to {} bytes, such as 4096, 64KiB, 4MiB", min, max),
                 "SIZE");
}

OptionValue SecondsValue(Store<double> store, double min, double max) {
  return InRange(std::move(store), min, max, ParseSeconds,
                 fmt::format("a time from {}s to {}s, such as 250ms, 10s, 2min", min, max), "TIME");
}

}  // namespace embedserve
