#include "cli/exit_code.h"

#include "gtest/gtest.h"

namespace embedserve {
namespace {

TEST(ExitCode, StandsInTheStatus) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x")), ExitCode::kFailed);
  for (const ExitCode code : {ExitCode::kFailed, ExitCode::kUsage, ExitCode::kDeviceLost}) {
    EXPECT_EQ(ExitCodeOf(WithExitCode(absl::InternalError("x"), code)), code);
  }
}

TEST(ExitCode, UsageErrorKeepsItsMessage) {
  const absl::Status status = UsageError("--threads is \"x\"");
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage);
  EXPECT_EQ(status.message(), "--threads is \"x\"");
}

}  // namespace
}  // namespace embedserve
