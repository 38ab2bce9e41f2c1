#include "cli/listen_address.h"

#include <string>

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

TEST(CheckListenAddress, LoopbackAndSocketsNeedNothing) {
  for (const std::string_view address :
       {"127.0.0.1:50051", "127.3.2.1:0", "localhost:1", "[::1]:50051", "unix:/tmp/socket"}) {
    EXPECT_TRUE(CheckListenAddress(address, false).ok()) << address;
  }
}

TEST(CheckListenAddress, WhatOthersCanReachNeedsToBeMeant) {
  for (const std::string_view address : {"0.0.0.0:50051", "[::]:50051", "10.0.0.7:80", "host:1",
                                         "127.example.org:1", "[fe80::1]:1"}) {
    const absl::Status status = CheckListenAddress(address, false);
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--insecure")) << address;
    EXPECT_TRUE(CheckListenAddress(address, true).ok()) << address;
  }
}

TEST(CheckListenAddress, RefusesWhatIsNoAddress) {
  for (const std::string_view address :
       {"", "127.0.0.1", ":50051", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
        "127.0.0.1:-1", "::1:50051", "dns:///host"}) {
    const absl::Status status = CheckListenAddress(address, true);
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected HOST:PORT")) << address;
  }
}

}  // namespace
}  // namespace embedserve
