// Bytes of a request -> message, or the reason why not.
#pragma once

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace embedserve {

// INVALID_ARGUMENT with details: where a string is not UTF-8 it names field, index and byte offset,
// else how far the bytes make sense. Empties `bytes`.
absl::Status ParseRequest(grpc::ByteBuffer& bytes, google::protobuf::Message& request);

}  // namespace embedserve
