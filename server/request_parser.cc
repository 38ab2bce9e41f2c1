#include "server/request_parser.h"

#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "model/tokenizer/tokenizer.h"
#include "server/status_details.h"

namespace embedserve {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

std::string ToString(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  std::string whole;
  if (!bytes.Dump(&slices).ok()) return whole;
  for (const grpc::Slice& slice : slices) {
    whole.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return whole;
}

absl::Status Malformed(int position, std::string_view message) {
  return Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                 fmt::format("the request is not a valid {}: its bytes make no sense from byte {} "
                             "on; build it from proto/embedserve/v1/embedding.proto",
                             message, position));
}

// Walks the top level of bytes that protobuf has refused.
absl::Status Explain(std::string_view bytes, const google::protobuf::Descriptor& type) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  std::map<int, int> seen;  // field number -> values of it so far
  int position = 0;
  while (position < static_cast<int>(bytes.size())) {
    const uint32_t tag = in.ReadTag();
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    const FieldDescriptor* field = tag == 0 ? nullptr : type.FindFieldByNumber(number);
    if (field != nullptr && field->type() == FieldDescriptor::TYPE_STRING &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      std::string value;
      uint32_t length = 0;
      if (!in.ReadVarint32(&length) || !in.ReadString(&value, static_cast<int>(length))) {
        return Malformed(position, type.name());
      }
      const std::string name(field->name());
      const std::string path =
          field->is_repeated() ? fmt::format("{}[{}]", name, seen[number]++) : name;
      if (const auto offset = FirstInvalidUtf8(value)) {
        return InvalidField(
            "INVALID_UTF8", path,
            fmt::format("not valid UTF-8 at byte {}; send text encoded as UTF-8", *offset));
      }
    } else if (tag == 0 || !WireFormatLite::SkipField(&in, tag)) {
      return Malformed(position, type.name());
    }
    position = in.CurrentPosition();
  }
  return Malformed(position, type.name());
}

}  // namespace

absl::Status ParseRequest(grpc::ByteBuffer& bytes, google::protobuf::Message& request) {
  grpc::ByteBuffer own;
  own.Swap(&bytes);
  bool parsed = false;
  {
    grpc::ProtoBufferReader reader(&own);
    parsed = reader.status().ok() && request.ParseFromZeroCopyStream(&reader);
  }
  if (parsed) return absl::OkStatus();
  return Explain(ToString(own), *request.GetDescriptor());
}

}  // namespace embedserve
