// The gRPC server: its port, its transport settings, the services beside the generic one, and the
// completion queues that the generic one is served from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/support/config.h"
#include "server/call_queue.h"
#include "server/options.h"

namespace embedserve {

class Listener {
 public:
  // Opens the port; nothing is answered yet, and health says NOT_SERVING. UNAVAILABLE with the
  // reason if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(const ServerOptions& options,
                                                        int io_threads);
  ~Listener();

  int port() const { return port_; }
  std::vector<std::unique_ptr<CallQueue>>& queues() { return queues_; }
  grpc::AsyncGenericService& generic_service() { return generic_; }

  // grpc.health.v1: "" and embedserve.v1.EmbeddingService.
  void SetServing(bool serving);

  // Stops listening, gives what is left `grace` to end, cuts it off, and joins the io threads.
  // Calls may outlive this and must not outlive the listener. Again: no effect.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Listener();
  std::unique_ptr<grpc::Service> listed_;
  grpc::AsyncGenericService generic_;
  std::vector<std::unique_ptr<CallQueue>> queues_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// Why `address` (HOST:PORT or unix:PATH) cannot be listened on, as the system says it: "Address
// already in use". Empty if it can, or if the system was not asked.
std::string WhyNotListening(const std::string& address);

}  // namespace embedserve
