#include "tests/server/test_server.h"

#include <cstdlib>
#include <thread>

#include "google/rpc/status.pb.h"
#include "model/output.h"

namespace embedserve {

const Model& TestModel() {
  static const Model& model = []() -> const Model& {
    static ModelFolderBuilder builder("bert");
    builder.AddNormalize();
    static const auto kLoaded = Model::Load(builder.Write());
    if (!kLoaded.ok()) {
      ADD_FAILURE() << kLoaded.status();
      std::abort();
    }
    return **kLoaded;
  }();
  return model;
}

ServerOptions TestServer::FastOptions() {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.drain_delay = std::chrono::milliseconds(0);
  options.tokenizer_threads = 2;
  return options;
}

std::unique_ptr<HashEngine> NewTestEngine(HashEngine::Fault fault) {
  return std::make_unique<HashEngine>(
      TestModel().folder().dimensions,
      EngineOptions{.max_batch_tokens = 256, .max_batch_sequences = 1024}, std::move(fault));
}

namespace {

std::vector<std::unique_ptr<Engine>> HashEngines(const HashEngine::Fault& fault, int count) {
  std::vector<std::unique_ptr<Engine>> engines;
  engines.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) engines.push_back(NewTestEngine(fault));
  return engines;
}

}  // namespace

TestServer::TestServer(const ServerOptions& options, const HashEngine::Fault& fault, int engines)
    : TestServer(options, HashEngines(fault, engines)) {}

TestServer::TestServer(const ServerOptions& options, std::vector<std::unique_ptr<Engine>> engines) {
  auto server = Server::Start(options, TestModel(), std::move(engines));
  if (!server.ok()) {
    ADD_FAILURE() << server.status();
    std::abort();
  }
  server_ = *std::move(server);
  stub_ = NewStub();
}

void TestServer::AwaitQuiet() {
  while (server_->calls_in_flight() != 0) std::this_thread::yield();
}

std::string TestServer::address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

std::shared_ptr<grpc::Channel> TestServer::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  auto channel =
      grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
  // Many connections at once may need a second try, which is not what the tests are about.
  EXPECT_TRUE(
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(60)));
  return channel;
}

std::unique_ptr<v1::EmbeddingService::Stub> TestServer::NewStub() const {
  return v1::EmbeddingService::NewStub(NewChannel());
}

std::vector<float> ExpectedValues(std::string_view text, std::string_view prompt, int dimensions) {
  const Model& model = TestModel();
  Tokenizer::Scratch scratch;
  TokenBatch tokens;
  std::vector<int32_t> pooling_start;
  const absl::Status status =
      model.Tokenize({&text, 1}, prompt, std::nullopt, scratch, tokens, pooling_start);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<float> row = HashRow(tokens[0], pooling_start[0], model.folder().dimensions);
  const std::span<float> finished =
      FinishRow(row, {.folder_normalizes = true,
                      .dimensions = dimensions == 0 ? model.folder().dimensions : dimensions});
  return {finished.begin(), finished.end()};
}

std::string ExpectedRow(std::string_view text, std::string_view prompt, int dimensions) {
  const std::vector<float> row = ExpectedValues(text, prompt, dimensions);
  return {reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float)};
}

std::string TextOf(uint64_t number) {
  // Digits become tokens of their own; every seventh text is longer than the model takes.
  std::string text = "text " + std::to_string(number);
  const uint64_t repeats = number % 7 == 0 ? 12 : number % 5;
  for (uint64_t i = 0; i < repeats; ++i) text += " and " + std::to_string(number + i);
  return text;
}

std::string Fault(const v1::EncodeRequest& request, const v1::EncodeResponse& response) {
  if (response.request_id() != request.request_id()) return "answer to another request";
  if (static_cast<int>(response.rows()) != request.texts_size()) return "wrong number of rows";
  if (response.texts_size() != request.texts_size()) return "wrong number of TextInfo";
  std::string expected;
  for (const std::string& text : request.texts()) expected += ExpectedRow(text);
  return response.embeddings() == expected ? "" : "wrong embeddings";
}

ErrorDetails DetailsOf(const grpc::Status& status) {
  google::rpc::Status rpc_status;
  EXPECT_TRUE(rpc_status.ParseFromString(status.error_details()));
  EXPECT_EQ(rpc_status.code(), static_cast<int>(status.error_code()));
  EXPECT_LT(status.error_details().size(), 4096u);
  ErrorDetails details;
  for (const auto& any : rpc_status.details()) {
    any.UnpackTo(&details.info);
    any.UnpackTo(&details.bad_request);
    any.UnpackTo(&details.quota);
    any.UnpackTo(&details.request);
    if (any.UnpackTo(&details.retry)) details.has_retry = true;
  }
  return details;
}

}  // namespace embedserve
