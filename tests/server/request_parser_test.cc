#include "server/request_parser.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/status_details.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

absl::Status Parse(const std::string& bytes, v1::EncodeRequest& request) {
  // In two slices, as the network may cut it.
  const std::size_t cut = bytes.size() / 2;
  const grpc::Slice slices[] = {grpc::Slice(bytes.substr(0, cut)), grpc::Slice(bytes.substr(cut))};
  grpc::ByteBuffer buffer(slices, 2);
  return ParseRequest(buffer, request);
}

std::string Field(int number, std::string_view value) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  field += static_cast<char>(value.size());
  return field.append(value);
}

TEST(RequestParser, ReadsAMessage) {
  v1::EncodeRequest sent;
  sent.add_texts("eins");
  sent.add_texts(std::string("zw\0ei", 5));
  v1::EncodeRequest request;
  ASSERT_TRUE(Parse(sent.SerializeAsString(), request).ok());
  EXPECT_EQ(request.texts(1), sent.texts(1));
}

TEST(RequestParser, NamesTheTextAndTheByteOfInvalidUtf8) {
  v1::EncodeRequest request;
  const std::string bytes = Field(1, "m") + Field(2, "fine") + Field(2, "ab\xC3\x28");
  const absl::Status status = Parse(bytes, request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("texts[1]: not valid UTF-8 at byte 2"));
  grpc::ServerContext context;
  const ErrorDetails details = DetailsOf(ToGrpc(status, context));
  EXPECT_EQ(details.info.reason(), "INVALID_UTF8");
  EXPECT_EQ(details.bad_request.field_violations(0).field(), "texts[1]");
}

TEST(RequestParser, NamesASingleFieldWithoutAnIndex) {
  v1::EncodeRequest request;
  EXPECT_THAT(std::string(Parse(Field(1, "\xFF"), request).message()),
              HasSubstr("model: not valid UTF-8 at byte 0"));
}

TEST(RequestParser, SaysWhereTheBytesStopMakingSense) {
  v1::EncodeRequest request;
  for (const std::string& bytes :
       {Field(1, "m") + "\x12\x7F short", Field(1, "m") + std::string(1, '\0'),
        Field(1, "m") + "\x0F", Field(1, "m") + "\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}) {
    const absl::Status status = Parse(bytes, request);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("not a valid EncodeRequest"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("from byte 3 on"));
  }
}

TEST(RequestParser, RandomBytesAreReadOrRefusedNeverMore) {
  std::mt19937 random(3);
  v1::EncodeRequest sent;
  sent.set_model("model");
  for (int i = 0; i < 5; ++i) sent.add_texts("a text with \xC3\xA4");
  const std::string good = sent.SerializeAsString();
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (int flips = 0; flips <= i % 4; ++flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (i % 5 == 0) bytes.resize(random() % bytes.size());
    v1::EncodeRequest request;
    const absl::Status status = Parse(bytes, request);
    ASSERT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  }
}

}  // namespace
}  // namespace embedserve
