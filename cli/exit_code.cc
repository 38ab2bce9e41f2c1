#include "cli/exit_code.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"

namespace embedserve {
namespace {

constexpr char kPayload[] = "embedserve/exit-code";

}  // namespace

absl::Status WithExitCode(absl::Status status, ExitCode code) {
  status.SetPayload(kPayload, absl::Cord(std::to_string(static_cast<int>(code))));
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return ExitCode::kFailed;
  return static_cast<ExitCode>(std::stoi(std::string(*payload)));
}

absl::Status UsageError(const std::string& message) {
  return WithExitCode(absl::InvalidArgumentError(message), ExitCode::kUsage);
}

}  // namespace embedserve
