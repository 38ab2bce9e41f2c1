// What a server may be told. Plain values; the command line fills them, Validate checks them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace embedserve {

// What happens to a text of too many tokens when its request does not say.
// kCutAsModel: on the side that the folder's tokenizer names, which is the end for nearly all.
enum class OverlongTexts { kCutAsModel, kRefuse, kCutEnd, kCutStart };

struct ServerOptions {
  // HOST:PORT as gRPC spells it; port 0 = any free one (Server::port tells which).
  std::string listen = "127.0.0.1:50051";

  // Of one request. A request beyond them is refused before any work.
  int max_texts = 1024;
  std::size_t max_request_bytes = std::size_t{4} << 20;
  std::size_t max_reply_bytes = std::size_t{64} << 20;

  // Admission, over all requests. An idle server takes any request that keeps the limits above.
  int64_t max_queue_tokens = int64_t{1} << 20;               // tokenized, not yet computed
  std::size_t max_in_flight_bytes = std::size_t{512} << 20;  // requests and unsent answers

  OverlongTexts overlong_texts = OverlongTexts::kCutAsModel;
  bool reflection = true;  // grpc.reflection.v1alpha

  // Threads that read requests and tokenize up to 8 texts themselves; 0 = a third of the cores, 1
  // to 6. Threads that tokenize more; 0 = the other cores.
  int io_threads = 0;
  int tokenizer_threads = 0;

  // A call without a deadline has this one.
  std::chrono::milliseconds default_deadline{30'000};
  // Drain: how long calls are still taken after health says NOT_SERVING (longer than a health
  // interval times its threshold plus the removal of an endpoint), and how long those taken may
  // last afterwards.
  std::chrono::milliseconds drain_delay{10'000};
  std::chrono::milliseconds drain_timeout{20'000};

  // INVALID_ARGUMENT naming the option as the command line spells it, its value and what is
  // allowed.
  absl::Status Validate() const;
};

}  // namespace embedserve
