// The subcommands (api.md 2). Each reads the options that the table gives it, writes its answer to
// standard output and returns what ended it: an exit code stands in the status (exit_code.h).
#pragma once

#include "absl/status/status.h"
#include "cli/options.h"

namespace embedserve {

absl::Status RunServe(const Options& options);
absl::Status RunEncode(const Options& options);
absl::Status RunSimilarity(const Options& options);
absl::Status RunEval(const Options& options);
absl::Status RunVerify(const Options& options);
absl::Status RunBench(const Options& options);
absl::Status RunTokenize(const Options& options);
absl::Status RunInfo(const Options& options);
absl::Status RunHealth(const Options& options);

// UsageError naming the option if its value is empty.
absl::Status RequireOption(const Options& options, const std::string Options::*field,
                           std::string_view flag);
// Writes all of it, or says that standard output is gone.
absl::Status Print(std::string_view text);

}  // namespace embedserve
