#include "server/listener.h"

#include <string>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

TEST(Listener, APortInUseIsNamedWithTheWayOut) {
  TestServer first;
  ServerOptions options = TestServer::FastOptions();
  options.listen = first.address();
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<HashEngine>(16));
  const auto second = Server::Start(options, TestModel(), std::move(engines));
  ASSERT_FALSE(second.ok());
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  const std::string message(second.status().message());
  EXPECT_THAT(message, HasSubstr(first.address()));
  EXPECT_THAT(message, HasSubstr("Address already in use"));
  EXPECT_THAT(message, HasSubstr("--listen"));
}

TEST(Listener, SaysWhyAnAddressCannotBeListenedOn) {
  EXPECT_EQ(WhyNotListening("127.0.0.1:0"), "");
  EXPECT_EQ(WhyNotListening("unix:socket"), "");
  EXPECT_NE(WhyNotListening("192.0.2.1:50051"), "");  // of no interface: reserved for documents
  EXPECT_THAT(WhyNotListening("no host of this name:1"), HasSubstr("not known"));
  EXPECT_THAT(WhyNotListening("unix:/no/such/folder/socket"), HasSubstr("No such file"));
}

TEST(Listener, AnAddressThatIsNoneIsRefused) {
  ServerOptions options = TestServer::FastOptions();
  options.listen = "no host of this name:1";
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<HashEngine>(16));
  const auto server = Server::Start(options, TestModel(), std::move(engines));
  EXPECT_TRUE(absl::IsUnavailable(server.status()));
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("--listen"));
}

TEST(Listener, BadOptionsDoNotStart) {
  ServerOptions options = TestServer::FastOptions();
  options.max_texts = 0;
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<HashEngine>(16));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Server::Start(options, TestModel(), std::move(engines)).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Server::Start(TestServer::FastOptions(), TestModel(), {}).status()));
}

TEST(Listener, HealthIsServingUntilADrainAndWatchersSeeIt) {
  ServerOptions options = TestServer::FastOptions();
  options.drain_delay = std::chrono::milliseconds(200);
  TestServer server(options);
  const auto health = Health::NewStub(server.NewChannel());
  for (const std::string name : {"", "embedserve.v1.EmbeddingService"}) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(name);
    HealthCheckResponse response;
    ASSERT_TRUE(health->Check(&context, request, &response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
  {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service("other");
    HealthCheckResponse response;
    EXPECT_EQ(health->Check(&context, request, &response).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
  grpc::ClientContext context;
  const auto watch = health->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  server.server().Drain();
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  // Calls are still taken for drain_delay.
  grpc::ClientContext call;
  v1::GetModelInfoResponse info;
  EXPECT_TRUE(server.stub().GetModelInfo(&call, v1::GetModelInfoRequest(), &info).ok());
  EXPECT_TRUE(server.server().Wait().ok());
}

}  // namespace
}  // namespace embedserve
