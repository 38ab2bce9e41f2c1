#include "cli/serve.h"

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

// `embedserve serve` with an engine whose device is lost at the fourth batch: what main() does with
// the status.
int ServeUntilTheDeviceIsLost() {
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
  std::thread caller(AskUntilRefused, options.listen);
  const absl::Status status = ServeUntilDrained(options, **model, std::move(engines), signals,
                                                std::chrono::steady_clock::now());
  caller.join();
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return static_cast<int>(ExitCodeOf(status));
}

TEST(ServeDeathTest, ALostDeviceEndsTheProcessWithItsExitCode) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(ServeUntilTheDeviceIsLost()), testing::ExitedWithCode(70),
              "caller was told 14: .*gone(.|\n)*device lost: gone");
}

}  // namespace
}  // namespace embedserve
