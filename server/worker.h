// One engine and the thread that feeds it: takes batches from the scheduler, hands rows back to
// their jobs.
#pragma once

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "model/engine/engine.h"
#include "model/engine/packed_batch.h"
#include "model/folder/encoder_config.h"
#include "server/scheduler.h"

namespace embedserve {

class Worker {
 public:
  // Starts the thread. `scheduler` must outlive the worker.
  Worker(Scheduler& scheduler, std::unique_ptr<Engine> engine, const EncoderConfig& config);
  // Waits for the thread, which ends once the scheduler is stopped and the batches in flight are
  // back.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  // A batch and the arrays that the engine reads until it is collected.
  struct Slot {
    BatchBuilder builder;
    Batch batch;
    TimePoint submitted{};
  };

  void Run();
  void Submit(Batch batch);
  void Collect();

  Scheduler& scheduler_;
  const std::unique_ptr<Engine> engine_;
  std::vector<Slot> slots_;  // a ring of Engine::kMaxInFlight
  std::size_t oldest_ = 0;   // slot of the batch that Collect gives next
  std::size_t in_flight_ = 0;
  std::vector<float> rows_;
  std::thread thread_;
};

}  // namespace embedserve
