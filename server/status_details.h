// Errors as callers see them: an absl::Status whose payloads are messages of google.rpc, keyed by
// their type URLs. ErrorInfo is always there; the rest by code (serving.md 9). Messages name limits
// and options, never a text, and are clipped so that all details stay below 4 KiB.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace embedserve {

// `reason`: UPPER_SNAKE_CASE, part of the interface.
absl::Status Refusal(absl::StatusCode code, std::string_view reason, std::string_view message,
                     const std::map<std::string, std::string>& metadata = {});

// INVALID_ARGUMENT with BadRequest for one field: "texts[3]". The message reads "FIELD: WHAT".
absl::Status InvalidField(std::string_view reason, std::string_view field, std::string_view what);

// RESOURCE_EXHAUSTED with QuotaFailure and RetryInfo: a wait of one to two times `delay`, at
// random.
absl::Status Overload(std::string_view reason, std::string_view message,
                      std::chrono::milliseconds delay);

// UNAVAILABLE with RetryInfo: another replica can help at once.
absl::Status Unavailable(std::string_view reason, std::string_view message);

// INTERNAL with RequestInfo.
absl::Status Internal(std::string_view reason, std::string_view message,
                      std::string_view request_id);

// INTERNAL for the text "field[index]", whose embedding cannot be given: `why` says what is wrong.
absl::Status BadNumerics(std::string_view field, std::size_t index, const absl::Status& why,
                         std::string_view request_id);

// Status and grpc-status-details-bin; adds the trailers grpc-retry-pushback-ms and retry-after.
grpc::Status ToGrpc(const absl::Status& status, grpc::ServerContextBase& context);

}  // namespace embedserve
