#include "cli/channel.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CallErrorTest, AsksWhetherAServerRunsOnlyWhereNoneHasAnswered) {
  const absl::Status unreachable =
      CallError({grpc::StatusCode::UNAVAILABLE, "connection refused"}, "127.0.0.1:50051");
  EXPECT_EQ(unreachable.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(unreachable.message(), HasSubstr("server 127.0.0.1:50051: UNAVAILABLE: connection"));
  EXPECT_THAT(unreachable.message(), HasSubstr("is `embedserve serve` running"));

  // The server's own refusals carry details.
  const absl::Status lost = CallError(
      {grpc::StatusCode::UNAVAILABLE, "the device was lost", "details"}, "127.0.0.1:50051");
  EXPECT_THAT(lost.message(), HasSubstr("the device was lost"));
  EXPECT_THAT(lost.message(), Not(HasSubstr("is `embedserve serve` running")));
}

}  // namespace
}  // namespace embedserve
