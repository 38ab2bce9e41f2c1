#include "model/tokenizer/seeds.h"

#include <gtest/gtest.h>

#include <string>

namespace embedserve {
namespace {

std::string Word(int64_t i) { return std::string("w").append(std::to_string(i)); }

bool Holds(const Seeds& seeds, const std::string& word, const std::vector<int32_t>& ids) {
  std::vector<int32_t> out(WordTable::kMaxIds);
  const int32_t* end = seeds.Find(WordKey::Of(word), WordKey::Of(word).Hash(), out.data());
  return end != nullptr &&
         std::vector<int32_t>(static_cast<const int32_t*>(out.data()), end) == ids;
}

TEST(SeedsTest, TheModelSaysWhichWordATokenIsAndWhatItsIdsAre) {
  Vocabulary vocabulary;
  for (int64_t i = 0; i < 40; ++i) ASSERT_TRUE(vocabulary.Add(Word(i), i).ok());
  ASSERT_TRUE(vocabulary.Add("sixteen bytes xx", 40).ok());
  ASSERT_TRUE(vocabulary.Add("many", 41).ok());
  ASSERT_TRUE(vocabulary.Add("none", 42).ok());
  const Seeds seeds(vocabulary, [](std::string_view token, std::vector<int32_t>& ids) {
    ids.assign(token == "many" ? 5 : 2, 7);
    return token == "none" ? std::string() : std::string(token).append("!");
  });
  EXPECT_FALSE(seeds.empty());
  EXPECT_TRUE(Seeds().empty());
  int known = 0;
  for (int64_t i = 0; i < 40; ++i) known += Holds(seeds, Word(i).append("!"), {7, 7});
  EXPECT_GE(known, 35);  // the table has room for twice as many, but not every place is free
  EXPECT_TRUE(Holds(seeds, "w0!", {7, 7})) << "the smallest id keeps its place";
  EXPECT_FALSE(Holds(seeds, "w0", {7, 7}));
  EXPECT_FALSE(Holds(seeds, "many!", {7, 7, 7, 7}));
}

}  // namespace
}  // namespace embedserve
