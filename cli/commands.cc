#include "cli/commands.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/exit_code.h"
#include "fmt/format.h"

namespace embedserve {

absl::Status RequireOption(const Options& options, const std::string Options::*field,
                           std::string_view flag) {
  if (!(options.*field).empty()) return absl::OkStatus();
  return UsageError(fmt::format("{} needs {}", Name(options.command), flag));
}

absl::Status Print(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      fmt::format("standard output cannot be written: {}", std::strerror(errno)));
}

}  // namespace embedserve
