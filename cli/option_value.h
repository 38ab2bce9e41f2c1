// How the text of an option becomes a value: one reader per kind, each knowing how to say what it
// allows. A field is a pointer to a member of Options, or In(outer, inner) for a member's member.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/options.h"

namespace embedserve {

struct OptionValue {
  // Reads the text into the options; false, and nothing changed, if it is not allowed.
  std::function<bool(std::string_view text, Options& options)> read;
  std::string allowed;  // "an integer from 0 to 4096"; "" = any text
  std::string word;     // what --help shows in the value's place; "" = a switch
};

std::optional<int64_t> ParseInteger(std::string_view text);  // decimal, whole text
std::optional<double> ParseNumber(std::string_view text);    // finite, whole text
// "4096", "64KiB", "4MiB", "1GiB"; nullopt also for what passes 2^53.
std::optional<int64_t> ParseBytes(std::string_view text);
std::optional<double> ParseSeconds(std::string_view text);  // "250ms", "10s", "2min", "10"

template <typename Inner>
auto In(ServerOptions Options::*outer, Inner ServerOptions::*inner) {
  return [outer, inner](Options& options) -> Inner& { return options.*outer.*inner; };
}

template <typename Value>
using Store = std::function<void(Options& options, Value value)>;

// Assigns with a cast, to narrower integers after a range check and to optionals.
template <typename Value, typename Field>
Store<Value> StoreIn(Field field) {
  return [field](Options& options, Value value) {
    auto& target = std::invoke(field, options);
    target = static_cast<std::remove_reference_t<decltype(target)>>(std::move(value));
  };
}

OptionValue TextValue(Store<std::string> store, std::string word);
OptionValue IntegerValue(Store<int64_t> store, int64_t min, int64_t max);
OptionValue NumberValue(Store<double> store, double min, double max);
OptionValue BytesValue(Store<int64_t> store, int64_t min, int64_t max);
OptionValue SecondsValue(Store<double> store, double min, double max);

template <typename Field>
OptionValue Text(Field field, std::string word) {
  return TextValue(StoreIn<std::string>(field), std::move(word));
}
template <typename Field>
OptionValue Integer(Field field, int64_t min, int64_t max) {
  return IntegerValue(StoreIn<int64_t>(field), min, max);
}
template <typename Field>
OptionValue Number(Field field, double min, double max) {
  return NumberValue(StoreIn<double>(field), min, max);
}
template <typename Field>
OptionValue Bytes(Field field, int64_t min, int64_t max) {
  return BytesValue(StoreIn<int64_t>(field), min, max);
}
template <typename Field>  // a double of seconds
OptionValue Seconds(Field field, double min, double max) {
  return SecondsValue(StoreIn<double>(field), min, max);
}
template <typename Field>  // std::chrono::milliseconds
OptionValue Duration(Field field, double min, double max) {
  return SecondsValue(
      [field](Options& options, double seconds) {
        std::invoke(field, options) = std::chrono::milliseconds(std::llround(1e3 * seconds));
      },
      min, max);
}

// One of `choices`, whose second halves are what the field becomes.
template <typename Value, typename Field>
OptionValue Choice(Field field, std::vector<std::pair<std::string_view, Value>> choices) {
  std::string allowed;
  for (const auto& choice : choices) {
    allowed.append(allowed.empty() ? "" : ", ").append(choice.first);
  }
  return {[field, choices = std::move(choices)](std::string_view text, Options& options) {
            for (const auto& [name, value] : choices) {
              if (name != text) continue;
              std::invoke(field, options) = value;
              return true;
            }
            return false;
          },
          allowed, "CHOICE"};
}
template <typename Field>  // --json = --json=true
OptionValue Switch(Field field) {
  OptionValue value = Choice<bool>(field, {{"true", true}, {"false", false}});
  value.word.clear();
  return value;
}

}  // namespace embedserve
