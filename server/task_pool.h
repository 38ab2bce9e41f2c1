// A fixed number of threads for work that is too long for an io thread or a worker: tokenizing many
// texts, large similarity matrices, the replies of a batch. Each thread owns the tokenizer's
// buffers.
#pragma once

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "model/tokenizer/tokenizer.h"
#include "server/mutex.h"

namespace embedserve {

class TaskPool {
 public:
  using Task = absl::AnyInvocable<void(Tokenizer::Scratch&)>;

  explicit TaskPool(int threads);
  ~TaskPool() { Stop(); }
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // Runs tasks in order of posting, as threads are free. Unbounded: callers admit first.
  void Post(Task task) ABSL_LOCKS_EXCLUDED(mutex_);
  // Would a task run at once? Until others post.
  bool HasFreeThread() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs what was posted, then joins; again: no effect. Meanwhile only tasks may post.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::size_t size_;  // threads
  mutable Mutex mutex_;
  ConditionVariable work_;
  std::size_t busy_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that run a task
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace embedserve
