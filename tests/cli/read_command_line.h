// A command line read as main() reads it, for tests of what is accepted and what is refused.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {

inline absl::StatusOr<CommandLine> Read(const std::vector<std::string>& arguments,
                                        const Environment& environment = {}) {
  return ReadCommandLine(arguments, environment);
}

inline Options Accepted(const std::vector<std::string>& arguments,
                        const Environment& environment = {}) {
  const auto line = Read(arguments, environment);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? line->options : Options{};
}

// The message of a refusal; "" if there was none. Every refusal is bad usage, told in one line.
inline std::string Refused(const std::vector<std::string>& arguments,
                           const Environment& environment = {}) {
  const auto line = Read(arguments, environment);
  if (line.ok()) return "";
  EXPECT_EQ(ExitCodeOf(line.status()), ExitCode::kUsage);
  const std::string message(line.status().message());
  EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("\n")));
  return message;
}

}  // namespace embedserve
