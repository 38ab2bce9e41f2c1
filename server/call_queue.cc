#include "server/call_queue.h"

#include "server/named_thread.h"

namespace embedserve {

void CallQueue::Run() {
  thread_ = NamedThread("io", [this] { Loop(); });
}

void CallQueue::Loop() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<QueueEvent*>(tag)->Happened(ok);
}

void CallQueue::Close() {
  {
    const std::unique_lock lock(open_mutex_);
    if (!open_) return;
    open_ = false;
    queue_->Shutdown();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace embedserve
