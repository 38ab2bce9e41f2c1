#include "server/status_details.h"

#include <algorithm>
#include <random>

#include "absl/strings/cord.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace embedserve {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::size_t kMostMessageBytes = 1000;

// At most kMostMessageBytes of valid UTF-8.
std::string Clip(std::string_view text) {
  if (text.size() <= kMostMessageBytes) return std::string(text);
  std::size_t end = kMostMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

template <typename Message>
void Attach(const Message& detail, absl::Status& status) {
  const std::string url = std::string(kTypePrefix) + std::string(detail.GetTypeName());
  status.SetPayload(url, absl::Cord(detail.SerializeAsString()));
}

template <typename Message>
bool Read(const absl::Status& status, Message& detail) {
  const std::string url = std::string(kTypePrefix) + std::string(detail.GetTypeName());
  const auto payload = status.GetPayload(url);
  return payload.has_value() && detail.ParseFromString(std::string(*payload));
}

void AttachRetry(std::chrono::milliseconds delay, absl::Status& status) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay.count() % 1000 * 1'000'000));
  Attach(retry, status);
}

// Callers that were refused together should not come back together.
std::chrono::milliseconds Jitter(std::chrono::milliseconds delay) {
  constexpr std::chrono::milliseconds kLeast{10};
  delay = std::max(delay, kLeast);
  thread_local std::minstd_rand random{std::random_device()()};
  std::uniform_int_distribution<int64_t> extra(0, delay.count());
  return delay + std::chrono::milliseconds(extra(random));
}

void AddTrailers(const absl::Status& status, grpc::ServerContextBase& context) {
  google::rpc::RetryInfo retry;
  const bool may_retry = Read(status, retry);
  if (status.code() == absl::StatusCode::kUnavailable) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", "0");
  } else if (status.code() == absl::StatusCode::kResourceExhausted) {
    const int64_t ms =
        retry.retry_delay().seconds() * 1000 + retry.retry_delay().nanos() / 1'000'000;
    context.AddTrailingMetadata("grpc-retry-pushback-ms", may_retry ? std::to_string(ms) : "-1");
    if (may_retry) context.AddTrailingMetadata("retry-after", std::to_string((ms + 999) / 1000));
  }
}

}  // namespace

absl::Status Refusal(absl::StatusCode code, std::string_view reason, std::string_view message,
                     const std::map<std::string, std::string>& metadata) {
  absl::Status status(code, Clip(message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("embedserve");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  Attach(info, status);
  return status;
}

absl::Status InvalidField(std::string_view reason, std::string_view field, std::string_view what) {
  absl::Status status =
      Refusal(absl::StatusCode::kInvalidArgument, reason, fmt::format("{}: {}", field, what));
  google::rpc::BadRequest bad;
  auto& violation = *bad.add_field_violations();
  violation.set_field(std::string(field));
  violation.set_description(Clip(what));
  Attach(bad, status);
  return status;
}

absl::Status Overload(std::string_view reason, std::string_view message,
                      std::chrono::milliseconds delay) {
  absl::Status status = Refusal(absl::StatusCode::kResourceExhausted, reason, message);
  google::rpc::QuotaFailure quota;
  auto& violation = *quota.add_violations();
  violation.set_subject("server");
  violation.set_description(Clip(message));
  Attach(quota, status);
  AttachRetry(Jitter(delay), status);
  return status;
}

absl::Status Unavailable(std::string_view reason, std::string_view message) {
  absl::Status status = Refusal(absl::StatusCode::kUnavailable, reason, message);
  AttachRetry(std::chrono::milliseconds(0), status);
  return status;
}

absl::Status Internal(std::string_view reason, std::string_view message,
                      std::string_view request_id) {
  absl::Status status = Refusal(absl::StatusCode::kInternal, reason, message);
  google::rpc::RequestInfo request;
  request.set_request_id(Clip(request_id));
  Attach(request, status);
  return status;
}

absl::Status BadNumerics(std::string_view field, std::size_t index, const absl::Status& why,
                         std::string_view request_id) {
  const std::string_view what(why.message().data(), why.message().size());
  return Internal("BAD_NUMERICS",
                  fmt::format("{}[{}]: {}; the model's numbers overflow on this text: start the "
                              "server with --dtype fp32, or leave the text out",
                              field, index, what),
                  request_id);
}

grpc::Status ToGrpc(const absl::Status& status, grpc::ServerContextBase& context) {
  if (status.ok()) return grpc::Status::OK;
  AddTrailers(status, context);
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  status.ForEachPayload([&](auto url, const absl::Cord& value) {
    auto& any = *details.add_details();
    any.set_type_url(std::string(url));
    any.set_value(std::string(value));
  });
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

}  // namespace embedserve
