// A server in this process, over real gRPC, whose every answer can be told in advance.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "embedserve/v1/embedding.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "model/model.h"
#include "server/server.h"
#include "tests/support/hash_engine.h"
#include "tests/support/model_folder_builder.h"

namespace embedserve {

// A small bert folder with mean pooling and Normalize, loaded once for the process.
const Model& TestModel();

// A hash engine for TestModel() that takes 256 tokens at a time.
std::unique_ptr<HashEngine> NewTestEngine(HashEngine::Fault fault = {});

class TestServer {
 public:
  // Engines: `fault` goes into each.
  explicit TestServer(const ServerOptions& options = FastOptions(),
                      const HashEngine::Fault& fault = {}, int engines = 1);
  TestServer(const ServerOptions& options, std::vector<std::unique_ptr<Engine>> engines);

  // Any port, no drain delay.
  static ServerOptions FastOptions();

  Server& server() { return *server_; }
  // Waits until no call is in flight: a client has its answer a moment before that.
  void AwaitQuiet();
  std::string address() const;
  // On a connection of its own.
  std::unique_ptr<v1::EmbeddingService::Stub> NewStub() const;
  v1::EmbeddingService::Stub& stub() { return *stub_; }
  std::shared_ptr<grpc::Channel> NewChannel() const;  // connected

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::EmbeddingService::Stub> stub_;
};

// What the hash engine and output.h make of a text: fp32 little-endian bytes.
std::string ExpectedRow(std::string_view text, std::string_view prompt = "", int dimensions = 0);
std::vector<float> ExpectedValues(std::string_view text, std::string_view prompt = "",
                                  int dimensions = 0);

// A text made of `number`, short or over-long; the same for the same number.
std::string TextOf(uint64_t number);

// Empty if `response` answers `request` (no prompt, normalize, dimensions or output type chosen),
// else what is wrong.
std::string Fault(const v1::EncodeRequest& request, const v1::EncodeResponse& response);

// Details of an error; default values where it has none of the kind.
struct ErrorDetails {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::QuotaFailure quota;
  google::rpc::RetryInfo retry;
  google::rpc::RequestInfo request;
  bool has_retry = false;
};
ErrorDetails DetailsOf(const grpc::Status& status);

}  // namespace embedserve
