#include "server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "model/engine/cores.h"
#include "model/engine/scorers_in_turn.h"
#include "model/folder/status_macros.h"
#include "server/call.h"
#include "server/drain.h"
#include "server/handlers.h"
#include "server/listener.h"
#include "server/mutex.h"
#include "server/serving.h"
#include "server/worker.h"
#include "spdlog/spdlog.h"

#if __has_include("google/protobuf/stubs/logging.h")
#include "google/protobuf/stubs/logging.h"
#endif

namespace embedserve {
namespace {

// Calls of a queue that may arrive between two looks at it.
constexpr int kWaitingCalls = 64;
// For health watchers and reflection, once all calls are answered.
constexpr std::chrono::milliseconds kShutdownGrace{500};

// At its limit gRPC 1.51 stops listening for good (CVE-2023-4785).
void RaiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit on open files");
}

// protobuf up to 3.21 logs each string that is not UTF-8; the caller is told, the log need not be.
void QuietProtobuf() {
#if __has_include("google/protobuf/stubs/logging.h")
  google::protobuf::SetLogHandler(nullptr);
#endif
}

// One short batch, so that the first caller does not wait for first uses, and a broken engine is
// found before the port opens.
absl::Status WarmUp(const Model& model, Engine& engine) {
  Tokenizer::Scratch scratch;
  TokenBatch tokens;
  std::vector<int32_t> pooling_start;
  const std::string_view text = "warm up";
  RETURN_IF_ERROR(
      model.Tokenize({&text, 1}, "", TruncationSide::kEnd, scratch, tokens, pooling_start));
  BatchBuilder builder(model.folder().encoder);
  builder.Add(tokens[0], pooling_start[0]);
  RETURN_IF_ERROR(engine.Submit(builder.Batch()));
  return engine.Collect().status();
}

absl::Status CheckEngines(const Model& model, const std::vector<std::unique_ptr<Engine>>& engines) {
  if (engines.empty()) return absl::InvalidArgumentError("a server needs at least one engine");
  for (const auto& engine : engines) {
    if (engine->compute_type() != engines.front()->compute_type()) {
      return absl::InvalidArgumentError(fmt::format(
          "the engines compute in {} and {}; their embeddings would not be comparable: use one "
          "--dtype for all devices",
          Name(engines.front()->compute_type()), Name(engine->compute_type())));
    }
    if (engine->width() != model.folder().dimensions) {
      return absl::InvalidArgumentError(fmt::format("the engine gives rows of {}, the model has {}",
                                                    engine->width(), model.folder().dimensions));
    }
    RETURN_IF_ERROR(WarmUp(model, *engine));
  }
  return absl::OkStatus();
}

// What every engine takes.
BatchLimits CommonLimits(const std::vector<std::unique_ptr<Engine>>& engines) {
  BatchLimits common = engines.front()->limits();
  for (const auto& engine : engines) {
    const BatchLimits limits = engine->limits();
    common = {std::min(common.tokens, limits.tokens), std::min(common.sequences, limits.sequences)};
  }
  return common;
}

std::string DeviceNames(const std::vector<std::unique_ptr<Engine>>& engines) {
  std::string names;
  for (const auto& engine : engines) names += (names.empty() ? "" : ", ") + engine->device();
  return names;
}

std::shared_ptr<Scorer> Scorers(const std::vector<std::unique_ptr<Engine>>& engines) {
  std::vector<std::shared_ptr<Scorer>> scorers;
  scorers.reserve(engines.size());
  for (const auto& engine : engines) scorers.push_back(engine->scorer());
  return ScorersInTurn(std::move(scorers));
}

int IoThreads(const ServerOptions& options) {
  return options.io_threads != 0 ? options.io_threads : std::clamp(UsableCores() / 3, 1, 6);
}

int TokenizerThreads(const ServerOptions& options) {
  if (options.tokenizer_threads != 0) return options.tokenizer_threads;
  return std::max(1, UsableCores() - IoThreads(options));
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const Model& model,
       std::vector<std::unique_ptr<Engine>> engines, std::unique_ptr<Listener> listener);
  ~Impl();

  int port() const { return port_; }
  int64_t calls_in_flight() const { return serving_.calls_in_flight.load(); }
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Wait() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Control();
  void Stop();
  void DeviceLost(const absl::Status& error, int left) ABSL_LOCKS_EXCLUDED(mutex_);
  void Sleep(std::chrono::milliseconds time) ABSL_LOCKS_EXCLUDED(mutex_);

  Serving serving_;
  std::vector<Call::Door> doors_;
  std::unique_ptr<Listener> listener_;
  const int port_;
  std::vector<std::unique_ptr<Worker>> workers_;

  Mutex mutex_;
  ConditionVariable changed_;
  bool drain_asked_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;  // the server is being destroyed
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool deserted_ ABSL_GUARDED_BY(mutex_) = false;  // the last device is lost
  absl::Status lost_ ABSL_GUARDED_BY(mutex_);      // DATA_LOSS naming the first lost device
  absl::Status outcome_ ABSL_GUARDED_BY(mutex_);
  std::thread control_;
};

Server::Impl::Impl(const ServerOptions& options, const Model& model,
                   std::vector<std::unique_ptr<Engine>> engines, std::unique_ptr<Listener> listener)
    : serving_{.options = options,
               .model = model,
               .fingerprint = model.Fingerprint(engines.front()->compute_type()),
               .device = DeviceNames(engines),
               .compute_type = engines.front()->compute_type(),
               .width = engines.front()->width(),
               .batch_tokens = CommonLimits(engines).tokens,
               .scorer = Scorers(engines),
               .scheduler = Scheduler(CommonLimits(engines), options.max_queue_tokens),
               .tasks = TaskPool(TokenizerThreads(options)),
               .bytes = ByteBudget(options.max_in_flight_bytes)},
      listener_(std::move(listener)),
      port_(listener_->port()) {
  for (auto& engine : engines) {
    workers_.push_back(std::make_unique<Worker>(
        serving_.scheduler, std::move(engine), model.folder().encoder,
        [this](const absl::Status& error, int left) { DeviceLost(error, left); }, &serving_.tasks));
  }
  doors_.reserve(listener_->queues().size());
  for (const auto& queue : listener_->queues()) {
    doors_.push_back({serving_, *queue, listener_->generic_service(), FindHandler});
    for (int i = 0; i < kWaitingCalls; ++i) Call::Await(doors_.back());
    queue->Run();
  }
  listener_->SetServing(true);
  control_ = std::thread([this] { Control(); });
}

Server::Impl::~Impl() {
  {
    const MutexLock lock(mutex_);
    drain_asked_ = true;
    hurry_ = true;
  }
  changed_.NotifyAll();
  control_.join();
}

void Server::Impl::Drain() {
  {
    const MutexLock lock(mutex_);
    drain_asked_ = true;
  }
  changed_.NotifyAll();
}

absl::Status Server::Impl::Wait() {
  const MutexLock lock(mutex_);
  while (!stopped_) changed_.Wait(mutex_);
  return outcome_;
}

void Server::Impl::Sleep(std::chrono::milliseconds time) {
  const TimePoint until = Clock::now() + time;
  const MutexLock lock(mutex_);
  while (!hurry_ && Clock::now() < until) changed_.WaitFor(mutex_, until - Clock::now());
}

void Server::Impl::DeviceLost(const absl::Status& error, int left) {
  const std::string what = fmt::format("device lost: {}", std::string(error.message()));
  spdlog::error("{}; {}", what,
                left > 0 ? fmt::format("{} left, where its batches run again", left)
                         : "none is left: health says NOT_SERVING");
  if (left == 0) listener_->SetServing(false);
  {
    const MutexLock lock(mutex_);
    if (lost_.ok()) {
      lost_ = absl::DataLossError(fmt::format(
          "{}; the kernel's log may say why (NVRM: Xid); start the process again", what));
    }
    // Another worker may have counted itself out later and be here before.
    deserted_ = deserted_ || left == 0;
    drain_asked_ = drain_asked_ || deserted_;
  }
  changed_.NotifyAll();
}

void Server::Impl::Control() {
  std::chrono::milliseconds delay = serving_.options.drain_delay;
  {
    const MutexLock lock(mutex_);
    while (!drain_asked_) changed_.Wait(mutex_);
    // Without a device calls could be taken, but not answered.
    if (deserted_) delay = std::chrono::milliseconds(0);
  }
  spdlog::info("draining: health says NOT_SERVING, calls are taken for another {} ms",
               delay.count());
  absl::Status outcome =
      RunDrain({.report_not_serving = [this] { listener_->SetServing(false); },
                .refuse_new_calls = [this] { serving_.draining.store(true); },
                .calls_arrived = [this] { return serving_.calls_arrived.load(); },
                .calls_in_flight = [this] { return serving_.calls_in_flight.load(); },
                .sleep = [this](std::chrono::milliseconds time) { Sleep(time); }},
               delay, serving_.options.drain_timeout);
  Stop();
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    if (!lost_.ok() && !outcome.ok()) {
      spdlog::warn("{}", std::string(outcome.message()));
    }
    outcome_ = lost_.ok() ? std::move(outcome) : lost_;
  }
  changed_.NotifyAll();
}

// Work that is queued is ended while its calls can still be answered; work on an engine or in the
// pool ends after the io threads, which are what could start more.
void Server::Impl::Stop() {
  serving_.scheduler.Stop();
  listener_->Shutdown(kShutdownGrace);
  workers_.clear();
  serving_.tasks.Stop();
  listener_.reset();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, const Model& model,
    std::vector<std::unique_ptr<Engine>> engines) {
  RETURN_IF_ERROR(options.Validate());
  RETURN_IF_ERROR(CheckEngines(model, engines));
  RaiseOpenFileLimit();
  QuietProtobuf();
  ASSIGN_OR_RETURN(std::unique_ptr<Listener> listener, Listener::Open(options, IoThreads(options)));
  return std::unique_ptr<Server>(
      new Server(std::make_unique<Impl>(options, model, std::move(engines), std::move(listener))));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
int Server::port() const { return impl_->port(); }
int64_t Server::calls_in_flight() const { return impl_->calls_in_flight(); }
void Server::Drain() { impl_->Drain(); }
absl::Status Server::Wait() { return impl_->Wait(); }

}  // namespace embedserve
