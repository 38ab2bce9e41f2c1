#include "cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "cli/config_file.h"
#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "server/version.h"

namespace embedserve {
namespace {

constexpr std::string_view kPrefix = "EMBEDSERVE_";

struct BoundOption {
  const OptionRow* row;
  CLI::Option* option;
};
struct BoundCommand {
  Command command;
  CLI::App* app;
  std::vector<BoundOption> options;
  std::vector<CLI::Option*> texts;  // positional arguments
};

// A value and where it was found, in the words of a message.
struct Setting {
  const OptionRow* row;
  std::string value;
  std::string place;
};

std::string Description(const OptionRow& row) {
  std::string text(row.help);
  const bool is_switch = row.value.word.empty();
  if (!is_switch && !row.value.allowed.empty()) text += "; allowed: " + row.value.allowed;
  if (!is_switch && !row.default_value.empty()) {
    text += fmt::format(" (default: {})", row.default_value);
  }
  return text;
}

BoundCommand Bind(CLI::App& root, Command command) {
  CLI::App* app = root.add_subcommand(std::string(Name(command)), std::string(Summary(command)));
  app->footer(
      "Every option is also a variable, --max-length being EMBEDSERVE_MAX_LENGTH, and a key of\n"
      "--config FILE. A flag wins over a variable, a variable over the file.");
  BoundCommand bound{command, app, {}};
  const CLI::callback_t ignore = [](const CLI::results_t&) { return true; };
  for (const OptionRow& row : OptionTable()) {
    if (!row.commands.Has(command)) continue;
    const std::string flag = fmt::format("--{}", row.name);
    const std::string description = Description(row);
    CLI::Option* option = row.value.word.empty() ? app->add_flag(flag, description)
                                                 : app->add_option(flag, ignore, description);
    if (!row.value.word.empty()) option->type_name(row.value.word);
    bound.options.push_back({&row, option});
  }
  if (command == Command::kSimilarity) {
    for (const std::string name : {"text_a", "text_b"}) {
      bound.texts.push_back(app->add_option(name, ignore, "One of the two texts to compare"));
      bound.texts.back()->type_name("TEXT");
    }
  }
  return bound;
}

// Last first, as CLI11 takes them, and "--prompt=" as "--prompt" and "": CLI11 2.1 takes what
// stands after the "=" for absent when it is empty.
std::vector<std::string> ForCli11(std::span<const std::string> arguments) {
  std::vector<std::string> out;
  bool options_ended = false;
  for (const std::string& argument : arguments) {
    options_ended |= argument == "--";
    const bool has_empty_value =
        !options_ended && argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    out.push_back(has_empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (has_empty_value) out.emplace_back();
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// CLI11 names no unknown command, and what else it does not know together with all that follows,
// last first.
std::string WhatIsWrong(const CLI::ParseError& error, const CLI::App& root,
                        const CLI::App* command) {
  const std::vector<std::string> unknown = root.remaining();
  if (!unknown.empty() && command == nullptr) {
    return fmt::format("no command \"{}\"", unknown.front());
  }
  if (!unknown.empty()) {
    return fmt::format("\"{}\" stands before the command, options after it", unknown.front());
  }
  if (command != nullptr && command->remaining_size() > 0) {
    return fmt::format("{} does not take \"{}\"", command->get_name(),
                       command->remaining().front());
  }
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return message;
}

// In one line, with where to look.
absl::Status SyntaxError(const CLI::ParseError& error, const CLI::App& root) {
  const auto parsed = root.get_subcommands();
  const CLI::App* const command = parsed.empty() ? nullptr : parsed.front();
  const bool in_command = command != nullptr && root.remaining_size() == 0;
  return UsageError(fmt::format("{}; see `embedserve{} --help`", WhatIsWrong(error, root, command),
                                in_command ? " " + command->get_name() : ""));
}

std::vector<std::string> UnknownVariables(const Environment& environment) {
  std::vector<std::string> warnings;
  for (const auto& variable : environment) {
    const std::string& name = variable.first;
    const auto table = OptionTable();
    const bool known = std::any_of(table.begin(), table.end(), [&](const OptionRow& row) {
      return VariableName(row.name) == name;
    });
    if (!known) warnings.push_back(fmt::format("variable {} is no option; it is ignored", name));
  }
  return warnings;
}

std::optional<Setting> FromFlag(const BoundOption& bound) {
  if (bound.option->count() == 0) return std::nullopt;
  return Setting{bound.row, bound.option->results().front(), fmt::format("--{}", bound.row->name)};
}

std::optional<Setting> FromVariable(const OptionRow& row, const Environment& environment) {
  const auto found = environment.find(VariableName(row.name));
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return Setting{&row, found->second, found->first};
}

std::optional<Setting> FromFile(const OptionRow& row, Command command,
                                const std::optional<ConfigFile>& file) {
  const ConfigFile::Entry* entry = file.has_value() ? file->Find(command, row.name) : nullptr;
  if (entry == nullptr) return std::nullopt;
  return Setting{&row, entry->value, entry->place};
}

absl::StatusOr<std::optional<ConfigFile>> FindConfigFile(const BoundCommand& bound,
                                                         const Environment& environment) {
  for (const BoundOption& option : bound.options) {
    if (option.row->name != "config") continue;
    std::optional<Setting> setting = FromFlag(option);
    if (!setting.has_value()) setting = FromVariable(*option.row, environment);
    if (!setting.has_value()) continue;
    ASSIGN_OR_RETURN(ConfigFile file, ConfigFile::Read(setting->value));
    return std::optional(std::move(file));
  }
  return std::optional<ConfigFile>();
}

absl::Status Apply(const Setting& setting, Options& options) {
  if (setting.row->value.read(setting.value, options)) return absl::OkStatus();
  return UsageError(fmt::format("{} is \"{}\"; allowed: {}", setting.place, setting.value,
                                setting.row->value.allowed));
}

std::string PrintedConfig(Command command, const std::vector<Setting>& settings) {
  std::string text = fmt::format("[{}]\n", Name(command));
  for (const Setting& setting : settings) {
    if (setting.row->name == "config" || setting.row->name == "print-config") continue;
    text += fmt::format("{} = \"{}\"  # {}\n", setting.row->name, setting.value, setting.place);
  }
  return text;
}

absl::StatusOr<CommandLine> Resolve(const BoundCommand& bound, const Environment& environment) {
  CommandLine line;
  line.warnings = UnknownVariables(environment);
  line.options.command = bound.command;
  for (const CLI::Option* text : bound.texts) {
    if (text->count() > 0) line.options.texts.push_back(text->results().front());
  }
  ASSIGN_OR_RETURN(const std::optional<ConfigFile> file, FindConfigFile(bound, environment));
  std::vector<Setting> settings;
  for (const BoundOption& option : bound.options) {
    std::optional<Setting> setting = FromFlag(option);
    if (!setting.has_value()) setting = FromVariable(*option.row, environment);
    if (!setting.has_value()) setting = FromFile(*option.row, bound.command, file);
    if (!setting.has_value()) {
      const std::string value(option.row->default_value);
      setting = Setting{option.row, value, value.empty() ? "unset" : "default"};
    }
    settings.push_back(*setting);
    if (setting->place != "unset") RETURN_IF_ERROR(Apply(*setting, line.options));
  }
  if (line.options.print_config) line.print = PrintedConfig(bound.command, settings);
  return line;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const std::size_t equals = variable.find('=');
    if (!variable.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    out.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return out;
}

absl::StatusOr<CommandLine> ReadCommandLine(std::span<const std::string> arguments,
                                            const Environment& environment) {
  CLI::App root("Sentence embeddings from a model folder, over gRPC or from the command line.",
                "embedserve");
  root.require_subcommand(1);
  root.set_version_flag("--version", "embedserve " + std::string(Version()));
  std::vector<BoundCommand> commands;
  for (const Command command : kAllCommands) commands.push_back(Bind(root, command));

  std::vector<std::string> reversed = ForCli11(arguments);
  CommandLine line;
  try {
    root.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    line.print = root.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.print = version.what() + std::string("\n");
    return line;
  } catch (const CLI::ParseError& error) {
    return SyntaxError(error, root);
  }
  const auto chosen = std::find_if(commands.begin(), commands.end(),
                                   [](const BoundCommand& c) { return c.app->parsed(); });
  return Resolve(*chosen, environment);
}

}  // namespace embedserve
