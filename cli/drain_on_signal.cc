#include "cli/drain_on_signal.h"

#include <pthread.h>

#include <cstdlib>

#include "cli/exit_code.h"
#include "spdlog/spdlog.h"

namespace embedserve {

DrainOnSignal::DrainOnSignal() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::thread([this] { Watch(); });
}

DrainOnSignal::~DrainOnSignal() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGINT);  // wakes it up
  thread_.join();
}

void DrainOnSignal::Attach(Server& server) {
  const std::lock_guard lock(mutex_);
  server_ = &server;
}

void DrainOnSignal::Detach() {
  const std::lock_guard lock(mutex_);
  server_ = nullptr;
  ended_ = true;
}

void DrainOnSignal::Watch() {
  while (true) {
    int signal = 0;
    if (sigwait(&signals_, &signal) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (!ended_) OnSignal(signal);
  }
}

void DrainOnSignal::OnSignal(int signal) {
  const char* name = signal == SIGTERM ? "SIGTERM" : "SIGINT";
  if (server_ == nullptr) {
    spdlog::info("{} before the server was ready: nothing to drain", name);
    std::_Exit(static_cast<int>(ExitCode::kOk));
  }
  if (draining_) {
    spdlog::warn("second signal ({}): stopping at once, {} calls dropped", name,
                 server_->calls_in_flight());
    std::_Exit(static_cast<int>(ExitCode::kFailed));
  }
  draining_ = true;
  spdlog::info("{}: draining", name);
  server_->Drain();
}

}  // namespace embedserve
