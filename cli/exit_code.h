// What the process tells its caller (api.md 2).
#pragma once

#include "absl/status/status.h"

namespace embedserve {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // the work failed
  kUsage = 2,        // the command line, a variable or the config file is wrong
  kDeviceLost = 70,  // only `serve`: an orchestrator restarts it
};

// `status`, which is not OK, with the exit code that it shall lead to; without one: kFailed.
absl::Status WithExitCode(absl::Status status, ExitCode code);
ExitCode ExitCodeOf(const absl::Status& status);

// A message that names the option and says what is allowed, on one line.
absl::Status UsageError(const std::string& message);

}  // namespace embedserve
