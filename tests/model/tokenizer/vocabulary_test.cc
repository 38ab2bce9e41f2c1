#include "model/tokenizer/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(VocabularyTest, IdsMayLeaveHoles) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 5).ok());
  ASSERT_TRUE(vocabulary.Add("b", 0).ok());
  EXPECT_EQ(vocabulary.count(), 2u);
  EXPECT_EQ(vocabulary.limit(), 6);
  EXPECT_EQ(vocabulary.Find("a"), 5);
  EXPECT_EQ(vocabulary.Find("c"), std::nullopt);
  EXPECT_TRUE(vocabulary.Contains("b"));
}

TEST(VocabularyTest, ATokenGivenTwiceHasItsLastId) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 0).ok());
  ASSERT_TRUE(vocabulary.Add("a", 1).ok());
  ASSERT_TRUE(vocabulary.Add("b", 0).ok());  // free again
  EXPECT_EQ(vocabulary.Find("a"), 1);
  EXPECT_EQ(vocabulary.count(), 2u);
}

TEST(VocabularyTest, TwoTokensCannotShareAnId) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 3).ok());
  EXPECT_THAT(Message(vocabulary.Add("b", 3)), HasSubstr("tokens 'a' and 'b' have the same id 3"));
}

TEST(VocabularyTest, IdsHaveBounds) {
  Vocabulary vocabulary;
  EXPECT_THAT(Message(vocabulary.Add("a", -1)), HasSubstr("token 'a' has id -1"));
  EXPECT_THAT(Message(vocabulary.Add("a", Vocabulary::kMaxIds)), HasSubstr("must lie in 0.."));
  EXPECT_TRUE(vocabulary.Add("a", Vocabulary::kMaxIds - 1).ok());
}

}  // namespace
}  // namespace embedserve
