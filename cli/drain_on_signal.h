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

  // From here on the first signal drains `server`, the second ends the process with exit code 1.
  // Before, a signal ends it with exit code 0: there is nothing to lose.
  void Attach(Server& server);
  // The server has ended and need no longer be valid: signals change nothing any more, least of all
  // the exit code that tells of a lost device.
  void Detach();

 private:
  void Watch();
  void OnSignal(int signal);

  std::mutex mutex_;
  Server* server_ = nullptr;
  bool draining_ = false;
  bool ended_ = false;
  bool stopping_ = false;
  sigset_t signals_;
  std::thread thread_;
};

}  // namespace embedserve
