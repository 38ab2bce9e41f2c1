// The part of `serve` that follows once a model is loaded and its engines are made.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "cli/drain_on_signal.h"
#include "model/engine/engine.h"
#include "model/model.h"
#include "server/options.h"

namespace embedserve {

// Serves until a drain is over; logs `ready` with the time since `start`. Server::Start and
// Server::Wait say what goes wrong; a lost device leads to exit code 70.
absl::Status ServeUntilDrained(const ServerOptions& options, const Model& model,
                               std::vector<std::unique_ptr<Engine>> engines, DrainOnSignal& signals,
                               std::chrono::steady_clock::time_point start);

}  // namespace embedserve
