#include "server/options.h"

#include <algorithm>

#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

template <typename Number>
absl::Status CheckRange(std::string_view option, Number value, Number least, Number most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("--{} is {}; allowed: {} to {}", option, value, least, most));
}

absl::Status CheckDuration(std::string_view option, std::chrono::milliseconds value,
                           std::chrono::milliseconds least) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours(24);
  if (value >= least && value <= kMost) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--{} is {} ms; allowed: {} to {} ms", option,
                                                value.count(), least.count(), kMost.count()));
}

}  // namespace

absl::Status ServerOptions::Validate() const {
  constexpr std::size_t kMebi = std::size_t{1} << 20;
  using std::chrono::milliseconds;
  if (listen.empty()) {
    return absl::InvalidArgumentError(
        "--listen is empty; expected HOST:PORT, e.g. 127.0.0.1:50051, or port 0 for a free one");
  }
  RETURN_IF_ERROR(CheckRange("max-texts", max_texts, 1, 65'536));
  RETURN_IF_ERROR(
      CheckRange<std::size_t>("max-request-bytes", max_request_bytes, 1024, 512 * kMebi));
  RETURN_IF_ERROR(CheckRange<std::size_t>("max-reply-bytes", max_reply_bytes, 1024, 1024 * kMebi));
  RETURN_IF_ERROR(CheckRange<int64_t>("max-queue-tokens", max_queue_tokens, 1, int64_t{1} << 40));
  RETURN_IF_ERROR(CheckRange<std::size_t>("max-in-flight-bytes", max_in_flight_bytes, kMebi,
                                          std::size_t{1} << 40));
  RETURN_IF_ERROR(CheckRange("io-threads", io_threads, 0, 64));
  RETURN_IF_ERROR(CheckRange("tokenizer-threads", tokenizer_threads, 0, 256));
  RETURN_IF_ERROR(CheckDuration("default-deadline", default_deadline, milliseconds(1)));
  RETURN_IF_ERROR(CheckDuration("drain-delay", drain_delay, milliseconds(0)));
  return CheckDuration("drain-timeout", drain_timeout, milliseconds(0));
}

}  // namespace embedserve
