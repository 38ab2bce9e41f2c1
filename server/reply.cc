#include "server/reply.h"

#include <array>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace embedserve {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

grpc::ByteBuffer ToByteBuffer(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice = OwnedSlice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer ToByteBuffer(int field, grpc::Slice payload,
                              const google::protobuf::MessageLite& message) {
  if (payload.size() == 0) return ToByteBuffer(message);
  std::array<uint8_t, 20> header{};  // two varints, 10 bytes each at most
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), header.data());
  end = CodedOutputStream::WriteVarint64ToArray(payload.size(), end);
  const std::array<grpc::Slice, 3> slices = {
      grpc::Slice(header.data(), static_cast<std::size_t>(end - header.data())), std::move(payload),
      OwnedSlice(message.SerializeAsString())};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace embedserve
