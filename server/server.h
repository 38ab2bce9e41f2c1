// The server: one model, its engines, one listening port.
//
//   ASSIGN_OR_RETURN(auto server, Server::Start(options, *model, std::move(engines)));
//   ... on SIGTERM, from any thread:  server->Drain();
//   absl::Status ended = server->Wait();
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/model.h"
#include "server/options.h"

namespace embedserve {

class Server {
 public:
  // Checks the options, warms each engine with one short batch, raises the limit on open files,
  // listens, and answers: when it returns, health is SERVING. `model` must outlive the server; the
  // engines (at least one, all of `model` and of one compute type) are its own.
  // INVALID_ARGUMENT for options; UNAVAILABLE if it cannot listen, saying why (port in use, ...);
  // an engine's own error if the warm-up fails.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options, const Model& model,
      std::vector<std::unique_ptr<Engine>> engines);

  // Stops at once if still running: calls in flight end with UNAVAILABLE.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;

  // Calls taken and not yet answered.
  int64_t calls_in_flight() const;

  // Begins the drain and returns: health NOT_SERVING, calls still taken for drain_delay, then
  // refused with UNAVAILABLE; those in flight are answered. From any thread; again: no effect.
  // When the last device is lost the server does so by itself, without the delay.
  void Drain();

  // Blocks until a drain is over and the port closed. OK if every call taken was answered;
  // DEADLINE_EXCEEDED with the number of calls cut off by drain_timeout; DATA_LOSS if a device was
  // lost on the way, even if others went on: start the process anew.
  absl::Status Wait();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace embedserve
