#include "server/reply.h"

#include <string>
#include <vector>

#include "embedserve/v1/embedding.pb.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

TEST(Reply, APayloadReadsAsTheFieldItStandsFor) {
  // Sizes around those of varints.
  for (const std::size_t size : {0u, 1u, 127u, 128u, 16'383u, 16'384u, 3'000'000u}) {
    v1::EncodeResponse rest;
    rest.set_rows(7);
    rest.set_request_id("id");
    const std::string payload(size, 'x');
    v1::EncodeResponse read;
    ASSERT_TRUE(read.ParseFromString(Bytes(ToByteBuffer(1, OwnedSlice(payload), rest))));
    EXPECT_EQ(read.embeddings(), payload);
    EXPECT_EQ(read.rows(), 7u);
    EXPECT_EQ(read.request_id(), "id");
  }
}

TEST(Reply, FloatsReadAsAPackedField) {
  const std::vector<float> scores = {0.25f, -1.0f, 3e-30f};
  v1::SimilarityResponse rest;
  rest.set_columns(3);
  v1::SimilarityResponse read;
  ASSERT_TRUE(read.ParseFromString(Bytes(ToByteBuffer(1, OwnedSlice(scores), rest))));
  EXPECT_EQ(std::vector<float>(read.scores().begin(), read.scores().end()), scores);
  EXPECT_EQ(read.columns(), 3u);
}

TEST(Reply, AnEmptyMessageIsAnEmptyBuffer) {
  EXPECT_EQ(Bytes(ToByteBuffer(v1::GetModelInfoRequest())), "");
}

}  // namespace
}  // namespace embedserve
