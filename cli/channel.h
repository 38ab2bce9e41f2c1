// The client's side of --server.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace embedserve {

// Plain text, no proxy from the environment, no limit on what is received; a call that a server
// turns away with UNAVAILABLE (draining, starting) is sent up to three times.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address);

// The same code, with the server's address in the message, and for a server that cannot be reached
// what to look at.
absl::Status CallError(const grpc::Status& status, const std::string& address);

void SetDeadline(grpc::ClientContext& context, double seconds);

}  // namespace embedserve
