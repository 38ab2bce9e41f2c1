// A completion queue, its io thread, and the guard before it: an operation started on a queue that
// has been shut down would abort the process.
#pragma once

#include <memory>
#include <shared_mutex>
#include <thread>

#include "grpcpp/completion_queue.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {

// What a tag points at.
class QueueEvent {
 public:
  virtual ~QueueEvent() = default;
  // On the queue's thread. `ok` as CompletionQueue::Next tells it.
  virtual void Happened(bool ok) = 0;
};

class CallQueue {
 public:
  explicit CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {}
  ~CallQueue() { Close(); }

  // Starts the io thread, once the gRPC server has started.
  void Run();

  // Runs `start`, which may start operations on completion_queue(), unless the queue is closed;
  // returns whether it ran. From any thread.
  template <typename StartOperation>
  bool Start(StartOperation&& start) {
    const std::shared_lock lock(open_mutex_);
    if (!open_) return false;
    start();
    return true;
  }

  // After the gRPC server's shutdown: shuts the queue down, lets the thread take every event that
  // is left, and joins it. Again: no effect.
  void Close();

  grpc::ServerCompletionQueue* completion_queue() { return queue_.get(); }
  Tokenizer::Scratch& scratch() { return scratch_; }  // of the io thread alone

 private:
  void Loop();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  Tokenizer::Scratch scratch_;
  std::shared_mutex open_mutex_;
  bool open_ = true;
  std::thread thread_;
};

}  // namespace embedserve
