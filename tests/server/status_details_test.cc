#include "server/status_details.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

ErrorDetails Details(const absl::Status& status) {
  grpc::ServerContext context;
  return DetailsOf(ToGrpc(status, context));
}

TEST(StatusDetails, OkStaysOk) {
  grpc::ServerContext context;
  EXPECT_TRUE(ToGrpc(absl::OkStatus(), context).ok());
}

TEST(StatusDetails, EveryErrorHasAnErrorInfo) {
  const absl::Status all[] = {Refusal(absl::StatusCode::kNotFound, "R", "m"),
                              InvalidField("R", "texts[3]", "m"),
                              Overload("R", "m", std::chrono::milliseconds(50)),
                              Unavailable("R", "m"),
                              Internal("R", "m", "id"),
                              BadNumerics("texts", 1, absl::InternalError("m"), "id")};
  for (const absl::Status& status : all) {
    const ErrorDetails details = Details(status);
    EXPECT_FALSE(details.info.reason().empty()) << status;
    EXPECT_EQ(details.info.domain(), "embedserve") << status;
  }
}

TEST(StatusDetails, AFieldIsNamedInMessageAndDetails) {
  const absl::Status status = InvalidField("BAD_TEXT", "texts[3]", "too long; shorten it");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), "texts[3]: too long; shorten it");
  const ErrorDetails details = Details(status);
  ASSERT_EQ(details.bad_request.field_violations_size(), 1);
  EXPECT_EQ(details.bad_request.field_violations(0).field(), "texts[3]");
  EXPECT_EQ(details.bad_request.field_violations(0).description(), "too long; shorten it");
}

TEST(StatusDetails, OverloadAsksToWaitOnceToTwiceTheQueue) {
  for (int i = 0; i < 50; ++i) {
    const ErrorDetails details =
        Details(Overload("QUEUE_FULL", "full", std::chrono::milliseconds(1500)));
    const double seconds = static_cast<double>(details.retry.retry_delay().seconds()) +
                           details.retry.retry_delay().nanos() * 1e-9;
    EXPECT_GE(seconds, 1.5);
    EXPECT_LE(seconds, 3.0);
    EXPECT_EQ(details.quota.violations_size(), 1);
  }
}

TEST(StatusDetails, UnavailableMayBeRetriedAtOnce) {
  const ErrorDetails details = Details(Unavailable("DRAINING", "stopping"));
  EXPECT_TRUE(details.has_retry);
  EXPECT_EQ(details.retry.retry_delay().seconds(), 0);
}

TEST(StatusDetails, LongMessagesAreClippedBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "\xC3\xA4";  // two bytes a character
  const absl::Status status = InvalidField("R", "prompt_name", text);
  EXPECT_LT(status.message().size(), 1100u);
  const std::string_view message(status.message().data(), status.message().size());
  EXPECT_FALSE(FirstInvalidUtf8(message).has_value());
  Details(status);  // checks their size
  Details(Internal("R", text, text));
  Details(Overload("R", text, std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace embedserve
