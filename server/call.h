// One unary RPC on the generic service: request bytes in, one answer out.
//
// Life: arrives -> message read -> handler -> answered (any thread, once) -> written and done. Each
// outstanding operation of gRPC and each part of the work holds the call by shared_ptr; it dies
// with the last. Whoever wins the one transition into `answered` owns the reply, all others lose
// theirs.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/byte_budget.h"
#include "server/call_queue.h"
#include "server/embedding_job.h"
#include "server/serving.h"

namespace embedserve {

class Call : public std::enable_shared_from_this<Call> {
 public:
  // Runs a call on the io thread; must see to it that the call is answered.
  using Handler = void (*)(const std::shared_ptr<Call>& call);
  // The handler of "/package.Service/Method", or null.
  using FindHandler = Handler (*)(std::string_view method);

  // What a call is made from; outlives all calls.
  struct Door {
    Serving& serving;
    CallQueue& queue;
    grpc::AsyncGenericService& service;
    FindHandler find_handler;
  };

  // Waits for one call; when it arrives the next is waited for.
  static void Await(Door& door);

  explicit Call(Door& door);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Serving& serving() { return door_.serving; }
  Tokenizer::Scratch& scratch() { return door_.queue.scratch(); }  // inside a Handler only
  grpc::ByteBuffer& request() { return request_; }
  TimePoint received() const { return received_; }  // the whole message
  TimePoint deadline() const { return deadline_; }  // the caller's, else the default one

  // Set once the caller has left. The pointer keeps the call alive.
  std::shared_ptr<const std::atomic<bool>> cancelled_flag() {
    return {shared_from_this(), &cancelled_};
  }
  // CANCELLED or DEADLINE_EXCEEDED if nobody waits for the answer any more.
  absl::Status StillWanted() const;

  // Takes room for `bytes` of request and answer until the answer is written.
  // RESOURCE_EXHAUSTED with details if there is none.
  absl::Status TakeBytes(std::size_t bytes);

  // Answer the call; from any thread, the first one counts.
  void Reply(grpc::ByteBuffer answer);
  void Fail(const absl::Status& status);

 private:
  // One kind of operation; holds the call while it is outstanding.
  struct Event final : public QueueEvent {
    Event(Call& call, void (Call::*then)(bool ok)) : call(call), then(then) {}
    void Happened(bool ok) override;
    Call& call;
    void (Call::*then)(bool ok);
    std::shared_ptr<Call> keep;
  };

  // False, and no event will come, if the queue is closed.
  template <typename StartOperation>
  bool Start(Event& event, StartOperation start);

  absl::Status BytesRefusal(std::size_t bytes);

  void Arrived(bool ok);
  void MessageRead(bool ok);
  void Written(bool ok);
  void Done(bool ok);
  bool ClaimReply() { return !answered_.exchange(true, std::memory_order_acq_rel); }

  Door& door_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer request_;
  ByteBudget::Permit message_permit_, answer_permit_;
  TimePoint received_{};
  TimePoint deadline_{};
  Handler handler_ = nullptr;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> answered_{false};
  Event arrived_{*this, &Call::Arrived};
  Event read_{*this, &Call::MessageRead};
  Event written_{*this, &Call::Written};
  Event done_{*this, &Call::Done};
};

}  // namespace embedserve
