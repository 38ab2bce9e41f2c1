// GetModelInfo over the wire against the folder.
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

TEST(GetModelInfo, SaysWhatTheFolderSays) {
  TestServer server;
  grpc::ClientContext context;
  v1::GetModelInfoRequest request;
  request.set_model(TestModel().name());
  v1::GetModelInfoResponse info;
  const grpc::Status status = server.stub().GetModelInfo(&context, request, &info);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(info.model(), TestModel().name());
  EXPECT_EQ(info.model_fingerprint(), TestModel().Fingerprint(ComputeType::kFp32));
  EXPECT_EQ(info.architecture(), "bert");
  EXPECT_EQ(info.dimensions(), 16u);
  EXPECT_EQ(info.max_sequence_length(), 32u);
  EXPECT_EQ(info.pooling(), "mean");
  EXPECT_EQ(info.similarity_function(), v1::SIMILARITY_FUNCTION_COSINE);
  EXPECT_EQ(info.prompts().size(), TestModel().folder().prompts.size());
  EXPECT_TRUE(info.normalizes());
  EXPECT_EQ(static_cast<int>(info.vocabulary_size()), TestModel().tokenizer().vocabulary_size());
  EXPECT_EQ(info.device(), "hash");
  EXPECT_EQ(info.compute_type(), "fp32");
  EXPECT_FALSE(info.server_version().empty());
  EXPECT_EQ(info.limits().max_texts(), 1024u);
  EXPECT_EQ(info.limits().max_request_bytes(), 4u << 20);
  EXPECT_EQ(info.limits().max_batch_tokens(), 256u);
}

}  // namespace
}  // namespace embedserve
