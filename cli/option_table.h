// One row per option: flag --max-texts, variable EMBEDSERVE_MAX_TEXTS, config key max-texts,
// default, check, help, and the commands that have it. Everything said about an option is said
// there.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "cli/option_value.h"
#include "cli/options.h"

namespace embedserve {

class CommandSet {
 public:
  constexpr CommandSet(std::initializer_list<Command> commands) {
    for (const Command command : commands) bits_ |= 1U << static_cast<unsigned>(command);
  }
  constexpr bool Has(Command command) const {
    return (bits_ >> static_cast<unsigned>(command) & 1U) != 0;
  }

 private:
  unsigned bits_ = 0;
};

struct OptionRow {
  std::string_view name;           // "max-texts"
  std::string_view default_value;  // read like any other value; "" = the field stays as it is
  CommandSet commands;
  OptionValue value;
  std::string_view help;
};

// In the order in which --help lists them.
std::span<const OptionRow> OptionTable();
const OptionRow* FindOption(std::string_view name);  // null if there is none
std::string VariableName(std::string_view option);   // "max-texts" -> "EMBEDSERVE_MAX_TEXTS"

}  // namespace embedserve
