// One engine and the thread that feeds it: takes batches from the scheduler, hands rows back to
// their jobs, and batches that failed back to the scheduler.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "model/engine/engine.h"
#include "model/engine/packed_batch.h"
#include "model/folder/encoder_config.h"
#include "server/scheduler.h"
#include "server/task_pool.h"

namespace embedserve {

class Worker {
 public:
  // The engine has lost its device, as `error` tells, and `left` workers go on. Called once, on the
  // worker's thread, before any caller hears of it.
  using DeviceLost = std::function<void(const absl::Status& error, int left)>;

  // Starts the thread. `scheduler` and `tasks` must outlive the worker. Jobs are answered on
  // threads of `tasks`; on the worker's own where none is free, or nothing else to do.
  Worker(Scheduler& scheduler, std::unique_ptr<Engine> engine, const EncoderConfig& config,
         DeviceLost device_lost = {}, TaskPool* tasks = nullptr);
  // Waits for the thread, which ends once the scheduler is stopped and the batches in flight are
  // back, or when the device is lost.
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
  // All return whether the device is still there.
  bool Submit(Batch batch);
  bool Stage();
  bool Collect();
  bool Failed(Batch batch, const absl::Status& error);
  // May another batch go beside those in flight?
  bool TakesMore() const;
  void Deliver(const Batch& batch, std::span<const float> rows, TimePoint submitted);
  void Answer(std::vector<std::shared_ptr<EmbeddingJob>> jobs);

  Scheduler& scheduler_;
  const std::unique_ptr<Engine> engine_;
  const DeviceLost device_lost_;
  TaskPool* const tasks_;
  std::vector<Slot> slots_;  // a ring of Engine::kMaxInFlight
  std::size_t oldest_ = 0;   // slot of the batch that Collect gives next
  std::size_t in_flight_ = 0;
  TimePoint done_{};  // when the newest batch was collected
  std::thread thread_;
};

}  // namespace embedserve
