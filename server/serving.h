// What all calls of a server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "model/engine/engine.h"
#include "model/model.h"
#include "server/byte_budget.h"
#include "server/options.h"
#include "server/scheduler.h"
#include "server/task_pool.h"

namespace embedserve {

struct Serving {
  const ServerOptions options;
  const Model& model;

  // Of the engines, all alike.
  const std::string fingerprint;
  const std::string device;  // joined by ", "
  const ComputeType compute_type;
  const int width;         // values of a row
  const int batch_tokens;  // the most that an engine is given at a time

  // Of all engines in turn: what computes many scores, or null where the host does.
  const std::shared_ptr<Scorer> scorer;

  Scheduler scheduler;
  TaskPool tasks;
  ByteBudget bytes;
  std::atomic<bool> draining{false};        // new calls are refused
  std::atomic<int64_t> calls_arrived{0};    // ever, refused ones too
  std::atomic<int64_t> calls_in_flight{0};  // arrived and not yet answered
};

}  // namespace embedserve
