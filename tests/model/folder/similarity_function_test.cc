#include "model/folder/similarity_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

TEST(SimilarityFunctionTest, NamesGoBothWays) {
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    EXPECT_EQ(SimilarityFunctionFromName(Name(function)), function);
  }
  EXPECT_EQ(Name(SimilarityFunction::kCosine), "cosine");
  EXPECT_EQ(Name(SimilarityFunction::kDot), "dot");
  EXPECT_EQ(Name(SimilarityFunction::kEuclidean), "euclidean");
  EXPECT_EQ(Name(SimilarityFunction::kManhattan), "manhattan");
  for (const char* name : {"", "Cosine", "dot_score", "cos"}) {
    EXPECT_EQ(SimilarityFunctionFromName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace embedserve
