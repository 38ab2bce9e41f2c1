// EXPECT_THAT(ModelFolder::Read(path), IsRefused(HasSubstr("hidden_act")));
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace embedserve {

inline absl::Status StatusOf(const absl::Status& status) { return status; }
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// FAILED_PRECONDITION with a message that matches `message`: a string or a matcher of strings.
MATCHER_P(IsRefused, message, "is FAILED_PRECONDITION with a message that matches") {
  const absl::Status status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == absl::StatusCode::kFailedPrecondition &&
         testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

}  // namespace embedserve
