// Answers as byte buffers. What is big (embeddings, scores) goes to the network from the memory in
// which it was made: a hand-written field header, then the payload, uncopied.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace embedserve {

// A slice that owns a container of trivial values and frees it once it is sent.
template <typename Container>
grpc::Slice OwnedSlice(Container container) {
  auto owner = std::make_unique<Container>(std::move(container));
  const auto bytes = std::as_writable_bytes(std::span(*owner));
  if (bytes.empty()) return grpc::Slice();
  return grpc::Slice(
      bytes.data(), bytes.size(), [](void* data) { delete static_cast<Container*>(data); },
      owner.release());
}

grpc::ByteBuffer ToByteBuffer(const google::protobuf::MessageLite& message);

// The encoding of `message` with `payload` as its length-delimited field `field` (bytes, or a
// packed repeated field), which must be unset in `message`.
grpc::ByteBuffer ToByteBuffer(int field, grpc::Slice payload,
                              const google::protobuf::MessageLite& message);

}  // namespace embedserve
