// Requests that are refused: code, reason, field, and a message that says what to do instead.
#include "server/request_checks.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

struct Refused {
  grpc::StatusCode code;
  std::string reason;
  std::string field;  // of BadRequest; empty = none
  std::string way_out;
};

constexpr grpc::StatusCode kInvalid = grpc::StatusCode::INVALID_ARGUMENT;

void Expect(const grpc::Status& status, const Refused& expected) {
  EXPECT_EQ(status.error_code(), expected.code) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr(expected.way_out));
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.info.reason(), expected.reason);
  EXPECT_EQ(details.info.domain(), "embedserve");
  ASSERT_EQ(details.bad_request.field_violations_size(), expected.field.empty() ? 0 : 1);
  if (!expected.field.empty()) {
    EXPECT_EQ(details.bad_request.field_violations(0).field(), expected.field);
    EXPECT_THAT(status.error_message(),
                testing::Not(HasSubstr(expected.field + ": " + expected.field)));
  }
}

class RefusalTest : public testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestServer::FastOptions();
    options.max_texts = 20;
    options.max_request_bytes = 100'000;
    options.max_reply_bytes = 1024;
    return options;
  }
  grpc::Status Encode(const v1::EncodeRequest& request) {
    grpc::ClientContext context;
    v1::EncodeResponse response;
    return server_.stub().Encode(&context, request, &response);
  }
  grpc::Status Compare(const v1::SimilarityRequest& request) {
    grpc::ClientContext context;
    v1::SimilarityResponse response;
    return server_.stub().Similarity(&context, request, &response);
  }

  TestServer server_{Options()};
};

TEST_F(RefusalTest, EncodeRequests) {
  struct Case {
    std::function<void(v1::EncodeRequest&)> change;
    Refused expected;
  };
  const Case cases[] = {
      {[](auto& r) { r.clear_texts(); }, {kInvalid, "NO_TEXTS", "texts", "send at least one text"}},
      {[](auto& r) {
         for (int i = 0; i < 20; ++i) r.add_texts("more");
       },
       {kInvalid, "TOO_MANY_TEXTS", "texts", "21 texts; the limit is 20"}},
      {[](auto& r) { r.add_texts(std::string(100'001, 'x')); },
       {grpc::StatusCode::RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "", "--max-request-bytes"}},
      {[](auto& r) { r.set_model("other"); },
       {grpc::StatusCode::NOT_FOUND, "UNKNOWN_MODEL", "", "leave the field empty"}},
      {[](auto& r) { r.set_dimensions(17); },
       {kInvalid, "BAD_DIMENSIONS", "dimensions", "ask for 1 to 16"}},
      {[](auto& r) { r.set_dimensions(4'000'000'000u); },
       {kInvalid, "BAD_DIMENSIONS", "dimensions", "ask for 1 to 16"}},
      {[](auto& r) { r.set_prompt_name("nope"); },
       {kInvalid, "UNKNOWN_PROMPT", "prompt_name", "it has: document, query"}},
      {[](auto& r) { r.set_output_type(v1::OUTPUT_TYPE_INT8); },
       {grpc::StatusCode::UNIMPLEMENTED, "OUTPUT_TYPE_NOT_SERVED", "", "ask for FLOAT32"}},
      {[](auto& r) { r.set_output_type(static_cast<v1::OutputType>(99)); },
       {kInvalid, "BAD_OPTION", "output_type", "allowed: FLOAT32"}},
      {[](auto& r) { r.set_truncation(static_cast<v1::Truncation>(-1)); },
       {kInvalid, "BAD_OPTION", "truncation", "allowed: ERROR"}},
      {[](auto& r) { r.set_priority(static_cast<v1::Priority>(7)); },
       {kInvalid, "BAD_OPTION", "priority", "allowed: INTERACTIVE"}},
      {[](auto& r) {
         r.set_truncation(v1::TRUNCATION_ERROR);
         r.add_texts("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28");
       },
       {kInvalid, "TEXT_TOO_LONG", "texts[1]", "TRUNCATION_END"}},
      {[](auto& r) {
         for (int i = 0; i < 16; ++i) r.add_texts("more");
       },
       {kInvalid, "REPLY_TOO_LARGE", "", "--max-reply-bytes"}},
  };
  for (const Case& one : cases) {
    v1::EncodeRequest request;
    request.add_texts("a text");
    one.change(request);
    SCOPED_TRACE(one.expected.reason + " " + one.expected.field);
    Expect(Encode(request), one.expected);
  }
}

TEST_F(RefusalTest, SimilarityRequests) {
  struct Case {
    std::function<void(v1::SimilarityRequest&)> change;
    Refused expected;
  };
  const Case cases[] = {
      {[](auto& r) { r.clear_texts_a(); }, {kInvalid, "NO_TEXTS", "texts_a", "at least one"}},
      {[](auto& r) {
         r.add_texts_b("second");
         r.set_mode(v1::SIMILARITY_MODE_PAIRWISE);
       },
       {kInvalid, "UNEQUAL_SIDES", "texts_b", "2 texts, but texts_a has 1"}},
      {[](auto& r) {
         r.clear_texts_b();
         r.set_mode(v1::SIMILARITY_MODE_PAIRWISE);
       },
       {kInvalid, "UNEQUAL_SIDES", "texts_b", "or ask for MATRIX"}},
      {[](auto& r) { r.set_top_k(3); }, {kInvalid, "BAD_OPTION", "top_k", "leave it at 0"}},
      {[](auto& r) { r.set_mode(static_cast<v1::SimilarityMode>(5)); },
       {kInvalid, "BAD_OPTION", "mode", "allowed: PAIRWISE"}},
      {[](auto& r) { r.set_function(static_cast<v1::SimilarityFunction>(5)); },
       {kInvalid, "BAD_OPTION", "function", "allowed: COSINE"}},
      {[](auto& r) { r.set_prompt_name_b("nope"); },
       {kInvalid, "UNKNOWN_PROMPT", "prompt_name_b", "it has: document, query"}},
      {[](auto& r) {
         for (int i = 0; i < 19; ++i) r.add_texts_b("more");
       },
       {kInvalid, "TOO_MANY_TEXTS", "texts_a and texts_b", "the limit is 20"}},
      {[](auto& r) { r.set_dimensions(17); },
       {kInvalid, "BAD_DIMENSIONS", "dimensions", "ask for 1 to 16"}},
      {[](auto& r) {
         r.clear_texts_b();
         for (int i = 1; i < 20; ++i) r.add_texts_a("more");
       },
       {kInvalid, "REPLY_TOO_LARGE", "", "the best of each row alone (top_k)"}},
  };
  for (const Case& one : cases) {
    v1::SimilarityRequest request;
    request.add_texts_a("a text");
    request.add_texts_b("b text");
    one.change(request);
    SCOPED_TRACE(one.expected.reason + " " + one.expected.field);
    Expect(Compare(request), one.expected);
  }
}

// The matrix of 20 texts would have 1600 bytes, and 1024 are allowed.
TEST_F(RefusalTest, TheBestOfEachRowAreAnAnswerOfTheirOwnSize) {
  v1::SimilarityRequest request;
  for (uint64_t i = 0; i < 20; ++i) request.add_texts_a(TextOf(1 + i % 5));
  request.set_mode(v1::SIMILARITY_MODE_MATRIX);
  request.set_top_k(3);
  EXPECT_TRUE(Compare(request).ok());
  request.set_top_k(7);
  Expect(Compare(request), {kInvalid, "REPLY_TOO_LARGE", "", "--max-reply-bytes"});
}

TEST_F(RefusalTest, TokenizeAndModelInfoCheckTheSameFields) {
  v1::TokenizeResponse tokens;
  {
    grpc::ClientContext context;
    Expect(server_.stub().Tokenize(&context, v1::TokenizeRequest(), &tokens),
           {kInvalid, "NO_TEXTS", "texts", "at least one"});
  }
  {
    grpc::ClientContext context;
    v1::TokenizeRequest request;
    for (int i = 0; i < 20; ++i) request.add_texts(TextOf(7));
    Expect(server_.stub().Tokenize(&context, request, &tokens),
           {kInvalid, "REPLY_TOO_LARGE", "", "--max-reply-bytes"});
  }
  grpc::ClientContext context;
  v1::GetModelInfoRequest request;
  request.set_model("other");
  v1::GetModelInfoResponse info;
  Expect(server_.stub().GetModelInfo(&context, request, &info),
         {grpc::StatusCode::NOT_FOUND, "UNKNOWN_MODEL", "", "leave the field empty"});
}

}  // namespace
}  // namespace embedserve
