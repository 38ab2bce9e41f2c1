#include "cli/config_file.h"

#include <CLI/CLI.hpp>
#include <fstream>

#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace embedserve {
namespace {

std::optional<Command> CommandNamed(std::string_view name) {
  for (const Command command : kAllCommands) {
    if (Name(command) == name) return command;
  }
  return std::nullopt;
}

std::string Place(const std::string& path, const std::string& section, const std::string& key) {
  return section.empty() ? fmt::format("{}: {}", path, key)
                         : fmt::format("{}: [{}] {}", path, section, key);
}

absl::Status CheckItem(const std::string& path, const std::string& section,
                       const CLI::ConfigItem& item) {
  const std::string place = Place(path, section, item.name);
  const OptionRow* row = FindOption(item.name);
  if (row == nullptr || item.name == "config") {
    return UsageError(
        fmt::format("{} is no option; keys are the long options without the dashes, "
                    "as `embedserve {} --help` lists them",
                    place, section.empty() ? "COMMAND" : section));
  }
  if (section.empty()) {
    if (item.inputs.size() == 1) return absl::OkStatus();
    return UsageError(fmt::format("{} has {} values; expected one", place, item.inputs.size()));
  }
  const std::optional<Command> command = CommandNamed(section);
  if (!command.has_value()) {
    return UsageError(fmt::format("{}: section [{}] is no command", path, section));
  }
  if (!row->commands.Has(*command)) {
    return UsageError(fmt::format("{} is no option of `embedserve {}`", place, section));
  }
  if (item.inputs.size() == 1) return absl::OkStatus();
  return UsageError(fmt::format("{} has {} values; expected one", place, item.inputs.size()));
}

}  // namespace

absl::StatusOr<ConfigFile> ConfigFile::Read(const std::string& path) {
  std::ifstream file(path);
  if (!file.good()) {
    return UsageError(fmt::format("--config is \"{}\", which cannot be read", path));
  }
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_config(file);
  } catch (const CLI::Error& error) {
    return UsageError(fmt::format("{}: {}", path, error.what()));
  }
  ConfigFile config;
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of a section's borders
    const std::string section = fmt::format("{}", fmt::join(item.parents, "."));
    if (absl::Status status = CheckItem(path, section, item); !status.ok()) return status;
    const std::string key = section.empty() ? item.name : section + "." + item.name;
    const bool inserted =
        config.entries_.insert({key, {item.inputs.front(), Place(path, section, item.name)}})
            .second;
    if (!inserted) {
      return UsageError(fmt::format("{} is given twice", Place(path, section, item.name)));
    }
  }
  return config;
}

const ConfigFile::Entry* ConfigFile::Find(Command command, std::string_view option) const {
  for (const std::string& key :
       {fmt::format("{}.{}", Name(command), option), std::string(option)}) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) return &found->second;
  }
  return nullptr;
}

}  // namespace embedserve
