// Encode over the wire: options and what they do to the bytes.
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/engine/l2_normalize.h"
#include "model/output.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

class EncodeTest : public testing::Test {
 protected:
  v1::EncodeResponse Encode(const v1::EncodeRequest& request) {
    grpc::ClientContext context;
    v1::EncodeResponse response;
    const grpc::Status status = server_.stub().Encode(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static v1::EncodeRequest RequestFor(std::initializer_list<std::string> texts) {
    v1::EncodeRequest request;
    for (const std::string& text : texts) request.add_texts(text);
    return request;
  }

  TestServer server_;
};

TEST_F(EncodeTest, AnAnswerSaysWhatItIs) {
  v1::EncodeRequest request = RequestFor({"one", "", "one", std::string("nul\0nul", 7)});
  request.set_request_id("abc");
  request.set_model(TestModel().name());
  const v1::EncodeResponse response = Encode(request);
  EXPECT_EQ(Fault(request, response), "");
  EXPECT_EQ(response.dimensions(), 16u);
  EXPECT_EQ(response.output_type(), v1::OUTPUT_TYPE_FLOAT32);
  EXPECT_EQ(response.model(), TestModel().name());
  EXPECT_EQ(response.model_fingerprint(), TestModel().Fingerprint(ComputeType::kFp32));
  EXPECT_FALSE(response.has_error());
  EXPECT_EQ(response.texts(1).token_count(), 2u);  // the special tokens of an empty text
  EXPECT_GT(response.texts(0).token_count(), 2u);
  EXPECT_FALSE(response.texts(0).truncated());
  const v1::Timings& timings = response.timings();
  EXPECT_GT(timings.total().nanos(), timings.compute().nanos());
  EXPECT_GT(timings.tokenize().nanos(), 0);
  EXPECT_GT(timings.compute().nanos(), 0);
  EXPECT_GE(timings.queue().nanos(), 0);
}

TEST_F(EncodeTest, PromptsStandBeforeTheTexts) {
  v1::EncodeRequest request = RequestFor({"text"});
  request.set_prompt("query: ");
  EXPECT_EQ(Encode(request).embeddings(), ExpectedRow("text", "query: "));
  EXPECT_NE(ExpectedRow("text", "query: "), ExpectedRow("text"));
  request.set_prompt_name("query");  // empty in this folder, which is also a prompt
  EXPECT_EQ(Encode(request).embeddings(), ExpectedRow("text"));
}

TEST_F(EncodeTest, DimensionsAndNormalize) {
  v1::EncodeRequest request = RequestFor({"text"});
  request.set_dimensions(5);
  EXPECT_EQ(Encode(request).embeddings(), ExpectedRow("text", "", 5));
  EXPECT_EQ(Encode(request).dimensions(), 5u);

  request.set_normalize(true);
  std::vector<float> cut = ExpectedValues("text", "", 5);
  L2Normalize(cut);
  EXPECT_EQ(Encode(request).embeddings(),
            std::string(reinterpret_cast<const char*>(cut.data()), cut.size() * sizeof(float)));

  request.set_normalize(false);
  request.set_dimensions(0);
  EXPECT_NE(Encode(request).embeddings(), ExpectedRow("text"));
}

TEST_F(EncodeTest, HalfTypesAreCastLast) {
  for (const auto& [wire, type] : {std::pair(v1::OUTPUT_TYPE_FLOAT16, OutputType::kFloat16),
                                   std::pair(v1::OUTPUT_TYPE_BFLOAT16, OutputType::kBFloat16)}) {
    v1::EncodeRequest request = RequestFor({"text", "more"});
    request.set_output_type(wire);
    std::string expected;
    ASSERT_TRUE(AppendRow(ExpectedValues("text"), type, expected).ok());
    ASSERT_TRUE(AppendRow(ExpectedValues("more"), type, expected).ok());
    const v1::EncodeResponse response = Encode(request);
    EXPECT_EQ(response.embeddings(), expected);
    EXPECT_EQ(response.output_type(), wire);
  }
}

TEST_F(EncodeTest, OverlongTextsAreCutAndSaySo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + " ";
  v1::EncodeRequest request = RequestFor({text});
  const v1::EncodeResponse end = Encode(request);
  EXPECT_TRUE(end.texts(0).truncated());
  EXPECT_EQ(end.texts(0).token_count(), 32u);
  request.set_truncation(v1::TRUNCATION_START);
  EXPECT_NE(Encode(request).embeddings(), end.embeddings());
}

// Gives value 3 of every row as NaN.
class OverflowingEngine final : public Engine {
 public:
  absl::Status Submit(const PackedBatch& batch) override { return engine_->Submit(batch); }
  absl::StatusOr<std::span<const float>> Collect() override {
    auto rows = engine_->Collect();
    if (!rows.ok()) return rows;
    rows_.assign(rows->begin(), rows->end());
    for (std::size_t i = 3; i < rows_.size(); i += static_cast<std::size_t>(width())) {
      rows_[i] = std::numeric_limits<float>::quiet_NaN();
    }
    return rows_;
  }
  int width() const override { return engine_->width(); }
  BatchLimits limits() const override { return engine_->limits(); }
  std::string device() const override { return engine_->device(); }
  ComputeType compute_type() const override { return engine_->compute_type(); }

 private:
  const std::unique_ptr<HashEngine> engine_ = NewTestEngine();
  std::vector<float> rows_;
};

TEST(EncodeBadNumerics, AreToldInPlaceOfRows) {
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<OverflowingEngine>());
  TestServer server(TestServer::FastOptions(), std::move(engines));
  for (const bool twice : {false, true}) {  // rows sent as they lie, and rows put together
    v1::EncodeRequest request;
    request.add_texts("text");
    request.add_texts(twice ? "text" : "more");
    request.set_normalize(false);
    grpc::ClientContext context;
    v1::EncodeResponse response;
    const grpc::Status status = server.stub().Encode(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(DetailsOf(status).info.reason(), "BAD_NUMERICS");
    EXPECT_THAT(status.error_message(), testing::HasSubstr("value 3 of the embedding is nan"));
  }
}

TEST_F(EncodeTest, TheLargestRequestIsSplitAndPutTogetherAgain) {
  v1::EncodeRequest request;
  for (uint64_t i = 0; i < 1024; ++i) request.add_texts(TextOf(i));
  EXPECT_EQ(Fault(request, Encode(request)), "");
}

}  // namespace
}  // namespace embedserve
