#include "server/task_pool.h"

#include <utility>

#include "server/named_thread.h"

namespace embedserve {

TaskPool::TaskPool(int threads) : size_(static_cast<std::size_t>(threads)) {
  for (int i = 0; i < threads; ++i) threads_.push_back(NamedThread("tokenizer", [this] { Run(); }));
}

void TaskPool::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  work_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void TaskPool::Post(Task task) {
  {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  work_.NotifyOne();
}

bool TaskPool::HasFreeThread() const {
  const MutexLock lock(mutex_);
  return busy_ + tasks_.size() < size_;
}

void TaskPool::Run() {
  Tokenizer::Scratch scratch;
  while (true) {
    Task task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !stopped_) work_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      ++busy_;
    }
    task(scratch);
    task = nullptr;
    const MutexLock lock(mutex_);
    --busy_;
  }
}

}  // namespace embedserve
