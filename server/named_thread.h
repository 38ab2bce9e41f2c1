// Threads that `top -H` and profilers can tell apart.
#pragma once

#include <pthread.h>

#include <thread>
#include <utility>

namespace embedserve {

// `name`: at most 15 characters, as Linux keeps them.
template <typename Body>
std::thread NamedThread(const char* name, Body body) {
  return std::thread([name, body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name);
    body();
  });
}

}  // namespace embedserve
