// Arguments, variables and a config file -> Options. Of several sources of one value the first
// wins: flag, variable, config file ([COMMAND] before the part above all sections), default.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"

namespace embedserve {

// The EMBEDSERVE_ variables; one that is empty counts as unset.
using Environment = std::map<std::string, std::string>;
Environment ProcessEnvironment();

struct CommandLine {
  Options options;
  std::string print;                  // not empty: print this and exit 0 (--help, --version, ...)
  std::vector<std::string> warnings;  // one line each, for stderr
};

// `arguments` without the program's name. Errors are UsageErrors of one line that name the option
// (or variable, or file and key), the value found and what is allowed. An EMBEDSERVE_ variable that
// is no option only warns: Kubernetes sets EMBEDSERVE_PORT and others beside a service of that
// name.
absl::StatusOr<CommandLine> ReadCommandLine(std::span<const std::string> arguments,
                                            const Environment& environment);

}  // namespace embedserve
