#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/channel.h"
#include "cli/commands.h"
#include "fmt/format.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace embedserve {
namespace {

using Clock = std::chrono::steady_clock;
namespace health = grpc::health::v1;

constexpr double kLongestAnswer = 5;  // seconds
constexpr std::chrono::milliseconds kBetweenQuestions{100};

// Over a connection of its own: on a channel that was once refused, gRPC 1.51 lets the next call
// wait until its deadline although the server listens by then.
absl::Status Ask(const Options& options, double seconds) {
  const auto stub = health::Health::NewStub(OpenChannel(options.server));
  grpc::ClientContext context;
  SetDeadline(context, seconds);
  health::HealthCheckRequest request;
  request.set_service(options.service);
  health::HealthCheckResponse answer;
  const grpc::Status status = stub->Check(&context, request, &answer);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::NotFoundError(
        fmt::format("server {}: has no service \"{}\"", options.server, options.service));
  }
  if (!status.ok()) return CallError(status, options.server);
  if (answer.status() == health::HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("server {}: {}", options.server,
                  health::HealthCheckResponse::ServingStatus_Name(answer.status())));
}

}  // namespace

absl::Status RunHealth(const Options& options) {
  if (absl::Status status = RequireOption(options, &Options::server, "--server ADDR");
      !status.ok()) {
    return status;
  }
  const Clock::time_point start = Clock::now();
  while (true) {
    const double waited = std::chrono::duration<double>(Clock::now() - start).count();
    const double left = options.wait - waited;
    absl::Status status = Ask(options, left > 0 ? std::min(left, kLongestAnswer) : kLongestAnswer);
    if (status.ok()) return Print("SERVING\n");
    // Another question does not help if the server knows no such service.
    if (status.code() == absl::StatusCode::kNotFound || left <= 0) return status;
    std::this_thread::sleep_for(kBetweenQuestions);
  }
}

}  // namespace embedserve
