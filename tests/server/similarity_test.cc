// Similarity over the wire: modes, functions and top_k against model/similarity.h on known rows.
#include "model/similarity.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_server.h"
#include "tests/support/marked_scorer.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;

constexpr std::pair<v1::SimilarityFunction, SimilarityFunction> kFunctions[] = {
    {v1::SIMILARITY_FUNCTION_COSINE, SimilarityFunction::kCosine},
    {v1::SIMILARITY_FUNCTION_DOT, SimilarityFunction::kDot},
    {v1::SIMILARITY_FUNCTION_EUCLIDEAN, SimilarityFunction::kEuclidean},
    {v1::SIMILARITY_FUNCTION_MANHATTAN, SimilarityFunction::kManhattan}};

class SimilarityTest : public testing::Test {
 protected:
  v1::SimilarityResponse Compare(const v1::SimilarityRequest& request) {
    grpc::ClientContext context;
    v1::SimilarityResponse response;
    const grpc::Status status = server_.stub().Similarity(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static std::vector<float> Rows(const std::vector<std::string>& texts, int dimensions = 0) {
    std::vector<float> rows;
    for (const std::string& text : texts) {
      const std::vector<float> row = ExpectedValues(text, "", dimensions);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }
  static v1::SimilarityRequest RequestFor(const std::vector<std::string>& a,
                                          const std::vector<std::string>& b) {
    v1::SimilarityRequest request;
    for (const std::string& text : a) request.add_texts_a(text);
    for (const std::string& text : b) request.add_texts_b(text);
    return request;
  }
  static std::vector<float> Scores(const v1::SimilarityResponse& response) {
    return {response.scores().begin(), response.scores().end()};
  }

  const std::vector<std::string> a_ = {"one", "two", "three"};
  const std::vector<std::string> b_ = {"two", "four", "one"};
  TestServer server_;
};

TEST_F(SimilarityTest, PairwiseInEveryFunction) {
  for (const auto& [wire, function] : kFunctions) {
    v1::SimilarityRequest request = RequestFor(a_, b_);
    request.set_function(wire);
    request.set_mode(v1::SIMILARITY_MODE_PAIRWISE);
    request.set_request_id("p");
    const v1::SimilarityResponse response = Compare(request);
    EXPECT_EQ(Scores(response), PairwiseSimilarity(function, Rows(a_), Rows(b_), 16));
    EXPECT_EQ(response.rows(), 3u);
    EXPECT_EQ(response.columns(), 1u);
    EXPECT_EQ(response.function(), wire);
    EXPECT_EQ(response.request_id(), "p");
    EXPECT_EQ(response.texts_a_size(), 3);
    EXPECT_EQ(response.texts_b_size(), 3);
    EXPECT_FALSE(response.model_fingerprint().empty());
  }
}

TEST_F(SimilarityTest, MatrixInEveryFunction) {
  for (const auto& [wire, function] : kFunctions) {
    v1::SimilarityRequest request = RequestFor(a_, {"two", "four"});
    request.set_function(wire);
    const v1::SimilarityResponse response = Compare(request);  // unequal sides: MATRIX
    EXPECT_EQ(Scores(response), SimilarityMatrix(function, Rows(a_), Rows({"two", "four"}), 16));
    EXPECT_EQ(response.rows(), 3u);
    EXPECT_EQ(response.columns(), 2u);
  }
}

TEST_F(SimilarityTest, OneSideAloneIsComparedWithItself) {
  const v1::SimilarityResponse response = Compare(RequestFor(a_, {}));
  EXPECT_EQ(Scores(response),
            SimilarityMatrix(SimilarityFunction::kCosine, Rows(a_), Rows(a_), 16));
  EXPECT_EQ(response.columns(), 3u);
  EXPECT_EQ(response.texts_b_size(), 0);
  EXPECT_EQ(response.function(), v1::SIMILARITY_FUNCTION_COSINE);
}

TEST_F(SimilarityTest, EqualSidesArePairwiseUnlessAMatrixIsAsked) {
  v1::SimilarityRequest request = RequestFor(a_, b_);
  EXPECT_EQ(Compare(request).scores_size(), 3);
  request.set_mode(v1::SIMILARITY_MODE_MATRIX);
  EXPECT_EQ(Compare(request).scores_size(), 9);
}

TEST_F(SimilarityTest, DimensionsCutBeforeComparing) {
  v1::SimilarityRequest request = RequestFor(a_, b_);
  request.set_dimensions(7);
  request.set_function(v1::SIMILARITY_FUNCTION_DOT);
  EXPECT_EQ(Scores(Compare(request)),
            PairwiseSimilarity(SimilarityFunction::kDot, Rows(a_, 7), Rows(b_, 7), 7));
}

TEST_F(SimilarityTest, TopKIsSortedAndTiesGoToTheLowerIndex) {
  v1::SimilarityRequest request = RequestFor({"one"}, {"two", "one", "three", "one"});
  request.set_mode(v1::SIMILARITY_MODE_MATRIX);
  request.set_top_k(2);
  const v1::SimilarityResponse response = Compare(request);
  EXPECT_THAT(response.indices(), ElementsAre(1, 3));
  EXPECT_EQ(response.columns(), 2u);
  EXPECT_EQ(response.scores(0), response.scores(1));
  request.set_top_k(100);
  EXPECT_EQ(Compare(request).columns(), 4u);
}

TEST_F(SimilarityTest, EachSideHasItsPrompt) {
  v1::SimilarityRequest request = RequestFor({"one"}, {"one"});
  request.set_prompt_a("q: ");
  request.set_prompt_b("d: ");
  EXPECT_EQ(Compare(request).scores(0),
            Similarity(SimilarityFunction::kCosine, ExpectedValues("one", "q: "),
                       ExpectedValues("one", "d: ")));
  request.set_prompt_b("q: ");
  EXPECT_NEAR(Compare(request).scores(0), 1.0f, 1e-6f);
}

TEST_F(SimilarityTest, ALargeMatrixIsTheSame) {
  std::vector<std::string> a, b;
  for (uint64_t i = 0; i < 512; ++i) {
    a.push_back(TextOf(i));
    b.push_back(TextOf(i + 300));
  }
  v1::SimilarityRequest request = RequestFor(a, b);
  request.set_mode(v1::SIMILARITY_MODE_MATRIX);
  EXPECT_EQ(Scores(Compare(request)),
            SimilarityMatrix(SimilarityFunction::kCosine, Rows(a), Rows(b), 16));
}

// 256 texts with each other, of 16 dimensions: a million values to multiply.
TEST(LargeSimilarity, IsTheDevicesInTurnWhereThereAreSome) {
  const auto first = std::make_shared<MarkedScorer>(), second = std::make_shared<MarkedScorer>();
  std::vector<std::unique_ptr<Engine>> engines;
  for (const auto& scorer : {first, second}) {
    auto engine = std::make_unique<HashEngine>(
        16, EngineOptions{.max_batch_tokens = 4096, .max_batch_sequences = 1024});
    engine->set_scorer(scorer);
    engines.push_back(std::move(engine));
  }
  TestServer server(TestServer::FastOptions(), std::move(engines));
  v1::SimilarityRequest request;
  for (int i = 0; i < 256; ++i) request.add_texts_a(TextOf(static_cast<uint64_t>(i)));
  request.set_mode(v1::SIMILARITY_MODE_MATRIX);
  for (const uint32_t top_k : {0u, 5u}) {
    request.set_top_k(top_k);
    grpc::ClientContext context;
    v1::SimilarityResponse response;
    ASSERT_TRUE(server.stub().Similarity(&context, request, &response).ok());
    EXPECT_EQ(response.columns(), top_k == 0 ? 256u : top_k);
    EXPECT_THAT(response.scores(), ::testing::Each(MarkedScorer::kMark));
  }
  EXPECT_EQ(first->calls(), 1);
  EXPECT_EQ(second->calls(), 1);

  request.mutable_texts_a()->DeleteSubrange(0, 16);
  grpc::ClientContext context;
  v1::SimilarityResponse response;
  ASSERT_TRUE(server.stub().Similarity(&context, request, &response).ok());
  EXPECT_EQ(first->calls() + second->calls(), 2);  // small ones stay on the host
}

}  // namespace
}  // namespace embedserve
