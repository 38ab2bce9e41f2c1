// SIGTERM and SIGINT -> a drain, and on the second one the end.
#pragma once

#include <csignal>
#include <mutex>
#include <thread>

#include "server/server.h"

namespace embedserve {

// Make it before any other thread starts: those then leave the two signals to it.
class DrainOnSignal {
 public:
  DrainOnSignal();
  ~DrainOnSignal();
  DrainOnSignal(const DrainOnSignal&) = delete;
  DrainOnSignal& operator=(const DrainOnSignal&) = delete;

  // From here on the first signal drains `server`, which must stay valid until this is gone or
  // Attach(nullptr). While nothing is attached a signal ends the process, exit code 0: there is
  // nothing to lose. The second signal during a drain ends it with exit code 1.
  void Attach(Server* server);

 private:
  void Watch();
  void OnSignal(int signal);

  std::mutex mutex_;
  Server* server_ = nullptr;
  bool draining_ = false;
  bool stopping_ = false;
  sigset_t signals_;
  std::thread thread_;
};

}  // namespace embedserve
