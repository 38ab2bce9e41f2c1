#include "server/call.h"

#include <utility>

#include "fmt/format.h"
#include "server/status_details.h"

namespace embedserve {

void Call::Event::Happened(bool ok) {
  const std::shared_ptr<Call> kept = std::move(keep);
  (call.*then)(ok);
}

template <typename StartOperation>
bool Call::Start(Event& event, StartOperation start) {
  event.keep = shared_from_this();
  if (door_.queue.Start(start)) return true;
  event.keep.reset();
  return false;
}

Call::Call(Door& door) : door_(door) {}

void Call::Await(Door& door) {
  const auto call = std::make_shared<Call>(door);
  // Tells of the call's end, cancelled or not; its event only comes if the call arrives.
  call->context_.AsyncNotifyWhenDone(static_cast<QueueEvent*>(&call->done_));
  call->Start(call->arrived_, [&] {
    grpc::ServerCompletionQueue* queue = door.queue.completion_queue();
    door.service.RequestCall(&call->context_, &call->stream_, queue, queue,
                             static_cast<QueueEvent*>(&call->arrived_));
  });
}

void Call::Arrived(bool ok) {
  if (!ok) return;  // the server shuts down
  done_.keep = shared_from_this();
  Await(door_);
  // Counted before the look at `draining`: a drain that sees no calls in flight has refused this
  // one.
  serving().calls_arrived.fetch_add(1);
  serving().calls_in_flight.fetch_add(1);
  if (serving().draining.load()) {
    Fail(Unavailable("DRAINING", "the server is being stopped; another replica can help"));
    return;
  }
  handler_ = door_.find_handler(context_.method());
  if (handler_ == nullptr) {
    Fail(
        Refusal(absl::StatusCode::kUnimplemented, "UNKNOWN_METHOD",
                fmt::format("this server has no method {:.200}; it is not part of this version, or "
                            "the name is misspelt: reflection lists what there is",
                            context_.method())));
    return;
  }
  Start(read_, [this] { stream_.Read(&request_, static_cast<QueueEvent*>(&read_)); });
}

void Call::MessageRead(bool ok) {
  received_ = Clock::now();
  const auto deadline = context_.deadline();
  deadline_ = received_ + (deadline == std::chrono::system_clock::time_point::max()
                               ? serving().options.default_deadline
                               : deadline - std::chrono::system_clock::now());
  if (!ok) {
    Fail(Refusal(absl::StatusCode::kInvalidArgument, "NO_MESSAGE",
                 "the call ended without a request message; send exactly one"));
    return;
  }
  const std::size_t size = request_.Length();
  const std::size_t limit = serving().options.max_request_bytes;
  if (size > limit) {
    Fail(Refusal(absl::StatusCode::kResourceExhausted, "REQUEST_TOO_LARGE",
                 fmt::format("the request has {} bytes, more than {}; send fewer texts in one "
                             "request, or raise the server's --max-request-bytes",
                             size, limit),
                 {{"max_request_bytes", std::to_string(limit)}}));
    return;
  }
  message_permit_ = serving().bytes.Take(size);
  if (!message_permit_) {
    Fail(BytesRefusal(size));
    return;
  }
  handler_(shared_from_this());
}

absl::Status Call::TakeBytes(std::size_t bytes) {
  answer_permit_ = serving().bytes.Take(bytes);
  return answer_permit_ ? absl::OkStatus() : BytesRefusal(bytes);
}

absl::Status Call::BytesRefusal(std::size_t bytes) {
  return Overload(
      "BYTES_IN_FLIGHT",
      fmt::format("{} bytes of requests and answers are in flight and this one needs {}; the limit "
                  "is {} (--max-in-flight-bytes): wait, or send less at a time",
                  serving().bytes.used(), bytes, serving().bytes.limit()),
      serving().scheduler.ExpectedDelay());
}

absl::Status Call::StillWanted() const {
  if (cancelled_.load(std::memory_order_relaxed)) {
    return Refusal(absl::StatusCode::kCancelled, "CANCELLED", "the caller has left");
  }
  if (Clock::now() >= deadline_) {
    return Refusal(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                   "the deadline passed before the work began; allow more time or send less at a "
                   "time");
  }
  return absl::OkStatus();
}

void Call::Reply(grpc::ByteBuffer answer) {
  if (!ClaimReply()) return;
  const bool started = Start(written_, [&] {
    stream_.WriteAndFinish(answer, grpc::WriteOptions(), grpc::Status::OK,
                           static_cast<QueueEvent*>(&written_));
  });
  if (!started) Written(false);
}

void Call::Fail(const absl::Status& status) {
  if (!ClaimReply()) return;
  const bool started = Start(written_, [&] {
    stream_.Finish(ToGrpc(status, context_), static_cast<QueueEvent*>(&written_));
  });
  if (!started) Written(false);
}

void Call::Written(bool /*ok*/) {
  message_permit_ = {};
  answer_permit_ = {};
  serving().calls_in_flight.fetch_sub(1);
}

void Call::Done(bool /*ok*/) {
  if (context_.IsCancelled()) cancelled_.store(true, std::memory_order_relaxed);
}

}  // namespace embedserve
