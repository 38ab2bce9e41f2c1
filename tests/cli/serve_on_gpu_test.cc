// `embedserve serve` when a GPU fails under load: no wrong answer leaves, callers are answered by
// the other GPU or told UNAVAILABLE, and the process ends with 70. A child process does it all, for
// the device stays lost to it.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "cli/exit_code.h"
#include "cli/serve.h"
#include "embedserve/v1/embedding.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/kernels/require_device.h"
#include "tests/support/kill_device.h"
#include "tests/support/model_folder_builder.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

// An engine that kills its device once it is armed, behind a batch that it has just submitted.
class DoomedEngine final : public Engine {
 public:
  DoomedEngine(std::unique_ptr<Engine> engine, DeviceCrime crime, const std::atomic<bool>& armed)
      : engine_(std::move(engine)), crime_(crime), armed_(armed) {}

  absl::Status Submit(const PackedBatch& batch) override {
    const absl::Status status = engine_->Submit(batch);
    if (armed_ && !killed_) KillDevice(0, crime_, 30);
    killed_ = armed_;
    return status;
  }
  absl::StatusOr<std::span<const float>> Collect() override { return engine_->Collect(); }
  bool Ready() override { return engine_->Ready(); }
  int width() const override { return engine_->width(); }
  BatchLimits limits() const override { return engine_->limits(); }
  std::string device() const override { return engine_->device(); }
  ComputeType compute_type() const override { return engine_->compute_type(); }

 private:
  const std::unique_ptr<Engine> engine_;
  const DeviceCrime crime_;
  const std::atomic<bool>& armed_;
  bool killed_ = false;
};

class Callers {
 public:
  explicit Callers(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {}

  // What is right, asked of healthy devices.
  void Learn() {
    for (int i = 0; i < kTexts; ++i) {
      if (!Ask({i}, answers_[i]).ok()) ++wrong_;
    }
  }

  // Several callers at once, each until `calls` are answered or it is told UNAVAILABLE.
  void AskAll(int calls, std::atomic<bool>& armed) {
    std::vector<std::thread> threads;
    for (unsigned caller = 0; caller < 8; ++caller) {
      threads.emplace_back([&, caller] {
        std::mt19937 random(caller);
        for (int call = 0; call < calls && AskRandom(random); ++call) {
          if (call == 50) armed = true;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::string Health() {
    const auto stub = grpc::health::v1::Health::NewStub(channel_);
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse answer;
    if (!stub->Check(&context, {}, &answer).ok()) return "gone";
    return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(answer.status());
  }

  int wrong() const { return wrong_; }
  int lost() const { return lost_; }

 private:
  static constexpr int kTexts = 100;

  grpc::Status Ask(const std::vector<int>& texts, std::string& embeddings) {
    v1::EncodeRequest request;
    for (const int text : texts) {
      request.add_texts("a text with the number " + std::to_string(text * text * text));
    }
    grpc::ClientContext context;
    context.set_wait_for_ready(answers_.size() <= 1);  // the server is starting
    v1::EncodeResponse response;
    grpc::Status status =
        v1::EmbeddingService::NewStub(channel_)->Encode(&context, request, &response);
    embeddings = response.embeddings();
    return status;
  }

  // Returns whether there was an answer.
  bool AskRandom(std::mt19937& random) {
    std::vector<int> texts(1 + random() % 40);
    std::string right, got;
    for (int& text : texts) {
      text = static_cast<int>(random() % kTexts);
      right += answers_.at(text);
    }
    const grpc::Status status = Ask(texts, got);
    if (status.ok() && got != right) ++wrong_;
    if (status.ok()) return true;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) ++wrong_;
    if (status.error_message().find("lost") != std::string::npos) ++lost_;
    return false;
  }

  const std::shared_ptr<grpc::Channel> channel_;
  std::map<int, std::string> answers_;
  std::atomic<int> wrong_{0}, lost_{0};
};

int ServeUntilAGpuIsLost(int devices, DeviceCrime crime) {
  DrainOnSignal signals;
  ModelFolderBuilder builder("bert");
  builder.AddNormalize();
  const auto model = Model::Load(builder.Write());
  std::atomic<bool> armed{false};
  std::vector<std::unique_ptr<Engine>> engines;
  for (int i = 0; i < devices; ++i) {
    auto engine =
        (*model)->NewEngine("cuda:" + std::to_string(i), {.compute_type = ComputeType::kFp16,
                                                          .max_batch_tokens = 2048,
                                                          .max_batch_sequences = 1024,
                                                          .hang_timeout = std::chrono::seconds(1)});
    if (!engine.ok()) return 1;
    engines.push_back(*std::move(engine));
  }
  engines.front() = std::make_unique<DoomedEngine>(std::move(engines.front()), crime, armed);

  const TemporaryDirectory folder;
  ServerOptions options;
  options.drain_delay = std::chrono::milliseconds(0);
  options.listen = "unix:" + (folder.path() / "socket").string();
  Callers callers(options.listen);
  std::string health;
  std::thread driver([&] {
    callers.Learn();
    callers.AskAll(400, armed);
    health = callers.Health();
    if (health == "SERVING") std::raise(SIGTERM);
  });
  const absl::Status status = ServeUntilDrained(options, **model, std::move(engines), signals,
                                                std::chrono::steady_clock::now());
  driver.join();
  std::fprintf(stderr, "%s\n%d wrong, %s, health %s\n", std::string(status.message()).c_str(),
               callers.wrong(), callers.lost() > 0 ? "some told of the loss" : "nobody told",
               health.c_str());
  return static_cast<int>(ExitCodeOf(status));
}

TEST(ServeOnGpuDeathTest, TheOnlyGpuIsLost) {
  EMBEDSERVE_NEED_DEVICE();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      std::exit(ServeUntilAGpuIsLost(1, DeviceCrime::kTrap)), testing::ExitedWithCode(70),
      "device lost: cuda:0 (.|\n)*0 wrong, some told of the loss, health (NOT_SERVING|gone)");
}

// As main() ends then: std::exit would wait for the GPU.
TEST(ServeOnGpuDeathTest, TheOnlyGpuHangs) {
  EMBEDSERVE_NEED_DEVICE();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(ServeUntilAGpuIsLost(1, DeviceCrime::kHang)), testing::ExitedWithCode(70),
              "device lost: cuda:0 .*it hangs(.|\n)*0 wrong, some told of the loss, health "
              "(NOT_SERVING|gone)");
}

// A kernel that traps ends CUDA for the process, so the other GPU follows.
TEST(ServeOnGpuDeathTest, OneOfTwoGpusIsLost) {
  EMBEDSERVE_NEED_DEVICE();
  if (kernels::AskDriver().devices.size() < 2) GTEST_SKIP() << "it takes two GPUs";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(ServeUntilAGpuIsLost(2, DeviceCrime::kTrap)), testing::ExitedWithCode(70),
              "device lost: cuda:[01] (.|\n)*0 wrong, .*, health (NOT_SERVING|gone|SERVING)");
}

}  // namespace
}  // namespace embedserve
