// One call on the generic service: what is not a request, callers that leave, deadlines, faults.
#include "server/call.h"

#include <atomic>
#include <future>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

// Sends bytes as they are; false for `bytes` = no message at all.
grpc::Status SendRaw(TestServer& server, const std::string& method,
                     const std::optional<std::string>& bytes) {
  grpc::GenericStub stub(server.NewChannel());
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  auto call = stub.PrepareCall(&context, method, &queue);
  int step = 0;
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(&step);
  wait();
  if (bytes.has_value()) {
    const grpc::Slice slice(*bytes);
    call->Write(grpc::ByteBuffer(&slice, 1), &step);
    wait();
  }
  call->WritesDone(&step);
  wait();
  grpc::Status status;
  call->Finish(&status, &step);
  wait();
  return status;
}

constexpr char kEncode[] = "/embedserve.v1.EmbeddingService/Encode";

void ExpectReason(const grpc::Status& status, grpc::StatusCode code, const std::string& reason) {
  EXPECT_EQ(status.error_code(), code) << status.error_message();
  EXPECT_EQ(DetailsOf(status).info.reason(), reason);
}

TEST(Call, WhatIsNotARequestIsRefusedWithAReason) {
  TestServer server;
  const auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  ExpectReason(SendRaw(server, kEncode, "\x12\x7F short"), kInvalid, "MALFORMED_MESSAGE");
  ExpectReason(SendRaw(server, kEncode,
                       std::string("\x12\x03"
                                   "a\xFF"
                                   "b",
                                   5)),
               kInvalid, "INVALID_UTF8");
  ExpectReason(SendRaw(server, kEncode, ""), kInvalid, "NO_TEXTS");
  ExpectReason(SendRaw(server, kEncode, std::nullopt), kInvalid, "NO_MESSAGE");
  const auto kUnimplemented = grpc::StatusCode::UNIMPLEMENTED;
  ExpectReason(SendRaw(server, "/embedserve.v1.EmbeddingService/Nope", ""), kUnimplemented,
               "UNKNOWN_METHOD");
  ExpectReason(SendRaw(server, "/some.Service/Encode", ""), kUnimplemented, "UNKNOWN_METHOD");
  server.AwaitQuiet();
}

TEST(Call, ReflectionCanBeSwitchedOff) {
  ServerOptions options = TestServer::FastOptions();
  options.reflection = false;
  TestServer without(options);
  constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  ExpectReason(SendRaw(without, kReflection, ""), grpc::StatusCode::UNIMPLEMENTED,
               "UNKNOWN_METHOD");
  TestServer with;
  EXPECT_TRUE(SendRaw(with, kReflection, std::nullopt).ok());
}

TEST(Call, StreamsAreRefusedWithAReason) {
  TestServer server;
  grpc::ClientContext context;
  auto stream = server.stub().EncodeStream(&context);
  v1::EncodeResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  ExpectReason(status, grpc::StatusCode::UNIMPLEMENTED, "STREAM_NOT_SERVED");
  EXPECT_THAT(status.error_message(), HasSubstr("call Encode"));
}

TEST(Call, AMessageFarTooLargeIsRefusedByTheTransport) {
  ServerOptions options = TestServer::FastOptions();
  options.max_request_bytes = 10'000;
  TestServer server(options);
  EXPECT_EQ(SendRaw(server, kEncode, std::string(50'000, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  server.AwaitQuiet();
}

TEST(Call, AnEngineFaultIsInternalAndTheNextCallWorks) {
  std::atomic<bool> broken{false};
  TestServer server(TestServer::FastOptions(), [&](const PackedBatch&) {
    return broken ? absl::InternalError("broken") : absl::OkStatus();
  });
  v1::EncodeRequest request;
  request.add_texts("text");
  request.set_request_id("the id");
  v1::EncodeResponse response;
  broken = true;
  {
    grpc::ClientContext context;
    const grpc::Status status = server.stub().Encode(&context, request, &response);
    ExpectReason(status, grpc::StatusCode::INTERNAL, "ENGINE_FAILED");
    EXPECT_EQ(DetailsOf(status).request.request_id(), "the id");
  }
  broken = false;
  grpc::ClientContext context;
  EXPECT_TRUE(server.stub().Encode(&context, request, &response).ok());
}

// A server whose engine waits for `Open` after the warm-up batch.
class GatedServer : public testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestServer::FastOptions();
    options.max_queue_tokens = 8;
    return options;
  }
  ~GatedServer() override {
    if (!is_open_) Open();
  }
  void Open() {
    is_open_ = true;
    gate_.set_value();
  }
  // A call on its own thread.
  std::future<grpc::Status> Start(grpc::ClientContext& context, const std::string& text) {
    return std::async(std::launch::async, [this, &context, text] {
      v1::EncodeRequest request;
      request.add_texts(text);
      v1::EncodeResponse response;
      const grpc::Status status = server_.stub().Encode(&context, request, &response);
      if (status.ok() && Fault(request, response) != "") {
        return grpc::Status(grpc::StatusCode::DATA_LOSS, "wrong answer");
      }
      return status;
    });
  }
  void AwaitBatches(int count) {
    while (batches_ < count) std::this_thread::yield();
  }
  void AwaitInFlight(int64_t count) {
    while (server_.server().calls_in_flight() != count) std::this_thread::yield();
  }

  std::atomic<int> batches_{0};
  std::promise<void> gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  bool is_open_ = false;
  TestServer server_{Options(), [this](const PackedBatch&) {
                       if (++batches_ > 1) open_.wait();
                       return absl::OkStatus();
                     }};
};

TEST_F(GatedServer, ADeadlineThatPassesInTheQueueIsExceeded) {
  grpc::ClientContext running, late;
  auto first = Start(running, "first");
  AwaitBatches(2);
  late.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  auto second = Start(late, "second");
  EXPECT_EQ(second.get().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  Open();
  EXPECT_TRUE(first.get().ok());
  server_.AwaitQuiet();
  EXPECT_EQ(batches_, 2);  // the late one never reached the engine
}

TEST_F(GatedServer, ACancelledCallLeavesTheQueueUnserved) {
  grpc::ClientContext running, leaving;
  auto first = Start(running, "first");
  AwaitBatches(2);
  auto second = Start(leaving, "second");
  AwaitInFlight(2);
  leaving.TryCancel();
  EXPECT_EQ(second.get().error_code(), grpc::StatusCode::CANCELLED);
  // The server learns of it by a frame on the same connection: a later call is behind it.
  grpc::ClientContext after;
  v1::GetModelInfoResponse info;
  EXPECT_TRUE(server_.stub().GetModelInfo(&after, v1::GetModelInfoRequest(), &info).ok());
  Open();
  EXPECT_TRUE(first.get().ok());
  server_.AwaitQuiet();
}

TEST_F(GatedServer, AFullQueueAsksToComeBackLater) {
  grpc::ClientContext running, queued, refused;
  auto first = Start(running, "first");
  AwaitBatches(2);
  auto second = Start(queued, "second");
  AwaitInFlight(2);
  // Tokenized on the io thread in order of arrival: the third finds the second queued.
  const grpc::Status status = Start(refused, "third and longer").get();
  ExpectReason(status, grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL");
  EXPECT_THAT(status.error_message(), HasSubstr("--max-queue-tokens"));
  EXPECT_TRUE(DetailsOf(status).has_retry);
  EXPECT_EQ(refused.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
  EXPECT_EQ(refused.GetServerTrailingMetadata().count("retry-after"), 1u);
  Open();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST(Call, TooManyBytesInFlightAskToComeBackLater) {
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> batches{0};
  ServerOptions options = TestServer::FastOptions();
  options.max_in_flight_bytes = 1 << 20;
  TestServer server(options, [&](const PackedBatch&) {
    if (++batches > 1) open.wait();
    return absl::OkStatus();
  });
  v1::EncodeRequest large;
  large.add_texts(std::string(1'000'000, 'x'));
  auto first = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    v1::EncodeResponse response;
    return server.stub().Encode(&context, large, &response);
  });
  while (batches < 2) std::this_thread::yield();
  grpc::ClientContext context;
  v1::EncodeResponse response;
  const grpc::Status status = server.stub().Encode(&context, large, &response);
  ExpectReason(status, grpc::StatusCode::RESOURCE_EXHAUSTED, "BYTES_IN_FLIGHT");
  EXPECT_TRUE(DetailsOf(status).has_retry);
  gate.set_value();
  EXPECT_TRUE(first.get().ok());
}

}  // namespace
}  // namespace embedserve
