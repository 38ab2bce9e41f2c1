#include "cli/serve.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "cli/exit_code.h"
#include "embedserve/v1/embedding.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/hash_engine.h"
#include "tests/support/model_folder_builder.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

// A caller that asks until it is refused, and prints why.
void AskUntilRefused(const std::string& address) {
  const auto stub = v1::EmbeddingService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  v1::EncodeRequest request;
  request.add_texts("text");
  while (true) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::EncodeResponse response;
    const grpc::Status status = stub->Encode(&context, request, &response);
    if (status.ok()) continue;
    std::fprintf(stderr, "caller was told %d: %s\n", static_cast<int>(status.error_code()),
                 status.error_message().c_str());
    return;
  }
}

void RaiseAndWaitUntilTaken(int signal) {
  kill(getpid(), signal);
  sigset_t pending;
  do {
    sigpending(&pending);
  } while (sigismember(&pending, signal) == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // for what follows from it
}

enum class Sigterm { kNever, kWhenTheCallerIsTold, kWhenServingHasEnded };

// `embedserve serve` with an engine whose device is lost at the fourth batch: what main() does with
// the status.
int ServeUntilTheDeviceIsLost(Sigterm sigterm) {
  DrainOnSignal signals;
  ModelFolderBuilder builder("bert");
  const auto model = Model::Load(builder.Write());
  int batches = 0;
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<HashEngine>(
      (*model)->folder().dimensions, EngineOptions{}, [&](const PackedBatch&) {
        return ++batches == 4 ? absl::DataLossError("gone") : absl::OkStatus();
      }));
  const TemporaryDirectory folder;
  ServerOptions options;
  options.listen = "unix:" + (folder.path() / "socket").string();
  std::thread caller([&] {
    AskUntilRefused(options.listen);
    if (sigterm == Sigterm::kWhenTheCallerIsTold) RaiseAndWaitUntilTaken(SIGTERM);
  });
  const absl::Status status = ServeUntilDrained(options, **model, std::move(engines), signals,
                                                std::chrono::steady_clock::now());
  caller.join();
  if (sigterm == Sigterm::kWhenServingHasEnded) RaiseAndWaitUntilTaken(SIGTERM);
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return static_cast<int>(ExitCodeOf(status));
}

TEST(ServeDeathTest, ALostDeviceEndsTheProcessWithItsExitCode) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const Sigterm sigterm :
       {Sigterm::kNever, Sigterm::kWhenTheCallerIsTold, Sigterm::kWhenServingHasEnded}) {
    EXPECT_EXIT(std::exit(ServeUntilTheDeviceIsLost(sigterm)), testing::ExitedWithCode(70),
                "caller was told 14: .*gone(.|\n)*device lost: gone")
        << static_cast<int>(sigterm);
  }
}

}  // namespace
}  // namespace embedserve
