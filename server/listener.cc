#include "server/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "embedserve/v1/embedding.grpc.pb.h"
#include "fmt/format.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/server_builder.h"
#include "server/status_details.h"

namespace embedserve {
namespace {

using v1::EmbeddingService;

// Reflection lists what is registered by name, and the generic service has none. This one leaves
// its methods to the generic service, but EncodeStream: a service needs one method of its own to be
// listed.
using GenericMethods = EmbeddingService::WithGenericMethod_Encode<
    EmbeddingService::WithGenericMethod_Similarity<EmbeddingService::WithGenericMethod_Tokenize<
        EmbeddingService::WithGenericMethod_GetModelInfo<EmbeddingService::Service>>>>;
class ListedService final
    : public EmbeddingService::WithCallbackMethod_EncodeStream<GenericMethods> {
 public:
  grpc::ServerBidiReactor<v1::EncodeRequest, v1::EncodeResponse>* EncodeStream(
      grpc::CallbackServerContext* context) override {
    class Refused : public grpc::ServerBidiReactor<v1::EncodeRequest, v1::EncodeResponse> {
     public:
      explicit Refused(const grpc::Status& status) { Finish(status); }
      void OnDone() override { delete this; }
    };
    return new Refused(
        ToGrpc(Refusal(absl::StatusCode::kUnimplemented, "STREAM_NOT_SERVED",
                       "EncodeStream is not part of this version; call Encode, with several calls "
                       "in flight at a time"),
               *context));
  }
};

// Linking the library switches reflection on for every server of the process; here each decides.
class Reflection final : public grpc::ServerBuilderOption {
 public:
  explicit Reflection(bool wanted) : wanted_(wanted) {}
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    auto own = std::make_unique<grpc::reflection::ProtoServerReflectionPlugin>();
    std::erase_if(*plugins, [&](const auto& plugin) { return plugin->name() == own->name(); });
    if (wanted_) plugins->push_back(std::move(own));
  }

 private:
  const bool wanted_;
};

// serving.md 2 and 14 say where the numbers come from.
void SetTransport(const ServerOptions& options, grpc::ServerBuilder& builder) {
  // Twice our own limit: what is a little too large gets our message, which says what to do.
  builder.SetMaxReceiveMessageSize(static_cast<int>(2 * options.max_request_bytes));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 512);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Reflection is served by the library's own threads; one is enough.
  using Sync = grpc::ServerBuilder::SyncServerOption;
  builder.SetSyncServerOption(Sync::NUM_CQS, 1);
  builder.SetSyncServerOption(Sync::MIN_POLLERS, 1);
  builder.SetSyncServerOption(Sync::MAX_POLLERS, 2);
}

absl::Status CannotListen(const std::string& address, std::string_view why) {
  return absl::UnavailableError(
      fmt::format("cannot listen on \"{}\": {}; choose another --listen HOST:PORT, or stop what "
                  "uses it",
                  address, why));
}

}  // namespace

Listener::Listener() : listed_(std::make_unique<ListedService>()) {}

Listener::~Listener() {
  if (server_ != nullptr) Shutdown(std::chrono::milliseconds(0));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(const ServerOptions& options,
                                                         int io_threads) {
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<Listener> listener(new Listener);
  grpc::ServerBuilder builder;
  SetTransport(options, builder);
  builder.SetOption(std::make_unique<Reflection>(options.reflection));
  builder.RegisterService(listener->listed_.get());
  builder.RegisterAsyncGenericService(&listener->generic_);
  for (int i = 0; i < io_threads; ++i) {
    listener->queues_.push_back(std::make_unique<CallQueue>(builder.AddCompletionQueue()));
  }
  // Asked first: gRPC would say why in a log of its own only.
  if (const std::string why = WhyNotListening(options.listen); !why.empty()) {
    return CannotListen(options.listen, why);
  }
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &listener->port_);
  listener->server_ = builder.BuildAndStart();
  if (listener->server_ == nullptr || listener->port_ == 0) {
    return CannotListen(options.listen, "not an address that this machine can listen on");
  }
  listener->SetServing(false);
  return listener;
}

void Listener::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  health->SetServingStatus("", serving);
  health->SetServingStatus(EmbeddingService::service_full_name(), serving);
}

void Listener::Shutdown(std::chrono::milliseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  for (const auto& queue : queues_) queue->Close();
}

std::string WhyNotListening(const std::string& address) {
  const auto reason = [] { return std::system_category().message(errno); };
  if (constexpr std::string_view kUnix = "unix:"; address.starts_with(kUnix)) {
    const auto folder = std::filesystem::path(address.substr(kUnix.size())).parent_path();
    return folder.empty() || access(folder.c_str(), W_OK | X_OK) == 0 ? "" : reason();
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.starts_with("unix-abstract:")) return "";
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const std::string port = address.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
      error != 0) {
    return error == EAI_SYSTEM ? reason() : gai_strerror(error);
  }
  std::string why;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  // As gRPC does; without it a port in TIME_WAIT would be called used.
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0) {
    why = reason();
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return why;
}

}  // namespace embedserve
