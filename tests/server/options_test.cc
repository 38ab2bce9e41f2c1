#include "server/options.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

TEST(ServerOptions, DefaultsAreAllowed) { EXPECT_TRUE(ServerOptions().Validate().ok()); }

TEST(ServerOptions, RefusalsNameOptionValueAndWayOut) {
  using std::chrono::milliseconds;
  struct Case {
    std::function<void(ServerOptions&)> change;
    std::string option;
  };
  const Case cases[] = {
      {[](auto& o) { o.listen = ""; }, "--listen is empty"},
      {[](auto& o) { o.max_texts = 0; }, "--max-texts is 0; allowed: 1 to"},
      {[](auto& o) { o.max_request_bytes = 1; }, "--max-request-bytes is 1; allowed"},
      {[](auto& o) { o.max_reply_bytes = 0; }, "--max-reply-bytes is 0; allowed"},
      {[](auto& o) { o.max_queue_tokens = 0; }, "--max-queue-tokens is 0; allowed"},
      {[](auto& o) { o.max_in_flight_bytes = 1; }, "--max-in-flight-bytes is 1; allowed"},
      {[](auto& o) { o.io_threads = -1; }, "--io-threads is -1; allowed: 0 to 64"},
      {[](auto& o) { o.tokenizer_threads = 1000; }, "--tokenizer-threads is 1000; allowed"},
      {[](auto& o) { o.default_deadline = milliseconds(0); }, "--default-deadline is 0 ms"},
      {[](auto& o) { o.drain_delay = milliseconds(-1); }, "--drain-delay is -1 ms"},
      {[](auto& o) { o.drain_timeout = std::chrono::hours(25); }, "--drain-timeout is"},
  };
  for (const Case& one : cases) {
    ServerOptions options;
    one.change(options);
    const absl::Status status = options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << one.option;
    EXPECT_THAT(std::string(status.message()), HasSubstr(one.option));
  }
}

}  // namespace
}  // namespace embedserve
