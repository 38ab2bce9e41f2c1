#include "server/server.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Sizes that callers mix: most are small, a few are split over many batches.
int SizeOf(uint64_t call) {
  constexpr int kSizes[] = {1, 1, 2, 1, 8, 9, 3, 64, 1, 65, 5, 200};
  return kSizes[call % std::size(kSizes)];
}

v1::EncodeRequest RequestOf(uint64_t caller, uint64_t call) {
  v1::EncodeRequest request;
  request.set_request_id(std::to_string(caller) + "/" + std::to_string(call));
  const int size = SizeOf(caller + call);
  // Texts of different callers overlap; some repeat within a request.
  for (int i = 0; i < size; ++i) {
    request.add_texts(TextOf((caller * 31 + call * 7 + static_cast<uint64_t>(i)) % 997));
  }
  return request;
}

// `callers` threads make `calls` calls each, every answer checked. Returns the first fault.
std::string CallConcurrently(TestServer& server, int callers, int calls) {
  std::vector<std::string> faults(static_cast<std::size_t>(callers));
  std::vector<std::thread> threads;
  threads.reserve(faults.size());
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      const auto stub = server.NewStub();
      for (int call = 0; call < calls; ++call) {
        const v1::EncodeRequest request =
            RequestOf(static_cast<uint64_t>(caller), static_cast<uint64_t>(call));
        grpc::ClientContext context;
        v1::EncodeResponse response;
        const grpc::Status status = stub->Encode(&context, request, &response);
        std::string fault = status.ok() ? Fault(request, response) : status.error_message();
        if (!fault.empty()) {
          faults[static_cast<std::size_t>(caller)] = request.request_id() + ": " + fault;
          return;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& fault : faults) {
    if (!fault.empty()) return fault;
  }
  return "";
}

TEST(Server, EveryAnswerIsRightUnderConcurrentCallersOfAllSizes) {
  TestServer server;
  // About 100,000 texts.
  EXPECT_EQ(CallConcurrently(server, 64, 52), "");
  server.AwaitQuiet();
}

TEST(Server, SeveralEnginesShareTheWork) {
  ServerOptions options = TestServer::FastOptions();
  options.io_threads = 3;
  TestServer server(options, {}, 3);
  EXPECT_EQ(CallConcurrently(server, 16, 20), "");
}

// Callers that go on until they are refused: whatever was taken must be answered, rightly.
TEST(Server, ADrainUnderLoadLosesNothing) {
  ServerOptions options = TestServer::FastOptions();
  options.drain_delay = std::chrono::milliseconds(50);
  TestServer server(options);
  std::atomic<int> answered{0}, refused{0};
  std::vector<std::string> lost(16);
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < lost.size(); ++caller) {
    callers.emplace_back([&, caller] {
      const auto stub = server.NewStub();
      for (uint64_t call = 0;; ++call) {
        const v1::EncodeRequest request = RequestOf(caller, call);
        grpc::ClientContext context;
        v1::EncodeResponse response;
        const grpc::Status status = stub->Encode(&context, request, &response);
        if (status.ok()) {
          ++answered;
          lost[caller] = Fault(request, response);
          if (lost[caller].empty()) continue;
        } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
          ++refused;  // by us, or by a closed port: the call was never taken
        } else {
          lost[caller] = std::to_string(status.error_code()) + " " + status.error_message();
        }
        return;
      }
    });
  }
  while (answered < 100) std::this_thread::yield();
  server.server().Drain();
  EXPECT_TRUE(server.server().Wait().ok());
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(lost, Each(IsEmpty()));
  EXPECT_EQ(refused, 16);
  EXPECT_EQ(server.server().calls_in_flight(), 0);
}

std::string Health(TestServer& server) {
  const auto stub = grpc::health::v1::Health::NewStub(server.NewChannel());
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  return status.ok() ? grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())
                     : status.error_message();
}

TEST(Server, TheLossOfTwoDevicesOfThreeIsNoCallersBusiness) {
  std::atomic<int> batches{0};
  TestServer server(
      TestServer::FastOptions(),
      [&](const PackedBatch&) {
        const int batch = ++batches;
        return batch == 50 || batch == 150 ? absl::DataLossError("gone") : absl::OkStatus();
      },
      3);
  EXPECT_EQ(CallConcurrently(server, 16, 20), "");
  EXPECT_GT(batches, 150);
  EXPECT_EQ(Health(server), "SERVING");
  server.server().Drain();
  const absl::Status ended = server.server().Wait();
  EXPECT_TRUE(absl::IsDataLoss(ended)) << ended;
  EXPECT_THAT(std::string(ended.message()), HasSubstr("device lost: gone"));
}

// Answers until then are right; those who wait are told what happened, and to go elsewhere; the
// server ends by itself.
TEST(Server, TheLossOfTheLastDeviceEndsIt) {
  ServerOptions options = TestServer::FastOptions();
  options.drain_delay = std::chrono::hours(1);  // it is no time to wait for load balancers
  std::atomic<int> batches{0};
  TestServer server(options, [&](const PackedBatch&) {
    return ++batches == 100 ? absl::DataLossError("gone") : absl::OkStatus();
  });
  std::atomic<int> lost{0};
  std::vector<std::string> faults(16);
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < faults.size(); ++caller) {
    callers.emplace_back([&, caller] {
      const auto stub = server.NewStub();
      for (uint64_t call = 0; faults[caller].empty(); ++call) {
        const v1::EncodeRequest request = RequestOf(caller, call);
        grpc::ClientContext context;
        v1::EncodeResponse response;
        const grpc::Status status = stub->Encode(&context, request, &response);
        if (status.ok()) {
          faults[caller] = Fault(request, response);
          continue;
        }
        if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
          faults[caller] = std::to_string(status.error_code()) + " " + status.error_message();
        } else if (DetailsOf(status).info.reason() == "DEVICE_LOST") {
          ++lost;
          EXPECT_THAT(status.error_message(), HasSubstr("lost"));
          EXPECT_TRUE(DetailsOf(status).has_retry);
        }
        return;
      }
    });
  }
  const absl::Status ended = server.server().Wait();
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(faults, Each(IsEmpty()));
  EXPECT_GT(lost, 0);
  EXPECT_TRUE(absl::IsDataLoss(ended)) << ended;
  EXPECT_THAT(std::string(ended.message()), HasSubstr("device lost: gone"));
  EXPECT_EQ(server.server().calls_in_flight(), 0);
}

// A server that drains while one batch runs on its only device and another waits behind it.
class DrainWithAStagedBatch : public testing::Test {
 protected:
  DrainWithAStagedBatch() {
    auto engine = NewTestEngine([this](const PackedBatch&) {
      for (; held_; std::this_thread::yield()) collecting_ = true;
      return lost_ ? absl::DataLossError("gone") : absl::OkStatus();
    });
    engine->ready = [this] {
      looked_ = true;
      return !held_;
    };
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(std::move(engine));
    server_ = std::make_unique<TestServer>(TestServer::FastOptions(), std::move(engines));
    held_ = true;
    callers_.emplace_back(&DrainWithAStagedBatch::Call, this, 0);
    while (!looked_) std::this_thread::yield();  // it runs
    callers_.emplace_back(&DrainWithAStagedBatch::Call, this, 1);
    // The device is not ready: only a second batch keeps the worker from looking again.
    while (!collecting_) std::this_thread::yield();
  }
  // Its outcome: the name of the error, or what is wrong with the answer.
  void Call(std::size_t caller) {
    v1::EncodeRequest request;
    request.add_texts("text");
    grpc::ClientContext context;
    v1::EncodeResponse response;
    const grpc::Status status = server_->NewStub()->Encode(&context, request, &response);
    outcomes_[caller] = status.ok() ? Fault(request, response) : DetailsOf(status).info.reason();
  }
  absl::Status DrainAndRelease() {
    server_->server().Drain();
    held_ = false;
    absl::Status ended = server_->server().Wait();
    for (std::thread& caller : callers_) caller.join();
    return ended;
  }

  std::atomic<bool> looked_{false}, collecting_{false};  // the worker has, since held_ was set
  std::atomic<bool> held_{false}, lost_{false};
  std::string outcomes_[2];
  std::unique_ptr<TestServer> server_;
  std::vector<std::thread> callers_;
};

TEST_F(DrainWithAStagedBatch, AnswersBoth) {
  EXPECT_TRUE(DrainAndRelease().ok());
  EXPECT_THAT(outcomes_, Each(IsEmpty()));
}

TEST_F(DrainWithAStagedBatch, TellsBothIfTheDeviceIsLostThen) {
  lost_ = true;
  EXPECT_TRUE(absl::IsDataLoss(DrainAndRelease()));
  EXPECT_THAT(outcomes_, Each("DEVICE_LOST"));
}

// Who is told that the device is lost and looks at once must not find a healthy server.
TEST(Server, HealthTurnsBeforeCallersAreTold) {
  std::atomic<int> batches{0};
  TestServer server(TestServer::FastOptions(), [&](const PackedBatch&) {
    return ++batches > 1 ? absl::DataLossError("gone") : absl::OkStatus();  // after the warm-up
  });
  const auto channel = server.NewChannel();
  const auto health = grpc::health::v1::Health::NewStub(channel);
  v1::EncodeRequest request;
  request.add_texts("text");
  grpc::ClientContext context;
  v1::EncodeResponse response;
  const grpc::Status status =
      v1::EmbeddingService::NewStub(channel)->Encode(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext health_context;
  grpc::health::v1::HealthCheckResponse answer;
  // A slow machine may find the server gone already.
  if (health->Check(&health_context, {}, &answer).ok()) {
    EXPECT_EQ(answer.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  }
  EXPECT_TRUE(absl::IsDataLoss(server.server().Wait()));
}

// The call is under way for longer than the drain takes, and then ends as `outcome` says.
void ExpectACallCutOff(const absl::Status& outcome) {
  std::atomic<int> batches{0};
  ServerOptions options = TestServer::FastOptions();
  options.drain_timeout = std::chrono::milliseconds(20);
  TestServer server(options, [&](const PackedBatch&) {
    if (++batches == 1) return absl::OkStatus();                  // the warm-up
    std::this_thread::sleep_for(std::chrono::milliseconds(700));  // longer than the port stays open
    return outcome;
  });
  std::thread caller([&] {
    v1::EncodeRequest request;
    request.add_texts("text");
    grpc::ClientContext context;
    v1::EncodeResponse response;
    server.stub().Encode(&context, request, &response);  // either outcome; it must end
  });
  while (batches < 2) std::this_thread::yield();
  server.server().Drain();
  server.server().Drain();
  const absl::Status ended = server.server().Wait();
  EXPECT_TRUE(absl::IsDeadlineExceeded(ended)) << ended;
  EXPECT_THAT(std::string(ended.message()), HasSubstr("1 calls"));
  EXPECT_EQ(server.server().calls_in_flight(), 0);
  caller.join();
}

TEST(Server, WhenTheDrainTimesOutCallsAreCutOffAndCounted) {
  ExpectACallCutOff(absl::OkStatus());
  ExpectACallCutOff(absl::InternalError("poison"));
}

TEST(Server, DestroyedWithoutADrainItStopsAtOnce) {
  ServerOptions options = TestServer::FastOptions();
  options.drain_delay = std::chrono::hours(1);
  const TestServer server(options);
}

}  // namespace
}  // namespace embedserve
