// What a broken or unsupported model folder is answered with.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace embedserve {

// FAILED_PRECONDITION. The message names the file and key, the value found, what was expected, and
// the way out.
template <typename... Args>
absl::Status Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace embedserve
