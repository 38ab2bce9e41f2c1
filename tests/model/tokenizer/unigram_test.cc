#include "model/tokenizer/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr MetaspaceOptions kBare = {
    .prepend = MetaspaceOptions::Prepend::kNever, .split = false, .split_white_space = false};

std::vector<int32_t> Ids(const UnigramPieces& pieces, const UnigramOptions& options,
                         std::string_view text) {
  const auto model = Unigram::Build(pieces, options);
  EXPECT_TRUE(model.ok()) << model.status();
  WordCache cache;
  cache.BelongTo({.tokenizer = 1});
  Unigram::Buffers buffers;
  std::vector<int32_t> once;
  model->Append(text, text.size() + 99, cache, buffers, once);
  std::vector<int32_t> again;
  model->Append(text, text.size() + 99, cache, buffers, again);
  EXPECT_EQ(once, again);
  return once;
}

TEST(UnigramTest, OfEqualSumsTheEarliestStartWins) {
  const UnigramPieces pieces = {{"<unk>", 0}, {"a", -1}, {"b", -1}, {"ab", -2}, {"ba", -2}};
  EXPECT_THAT(Ids(pieces, {.metaspace = kBare}, "aba"), ElementsAre(1, 4));
}

// In double precision: single precision cuts these otherwise.
TEST(UnigramTest, SumsAreDoubles) {
  const UnigramPieces pieces = {
      {"<unk>", 0}, {"x", -0.1}, {"xx", -0.2}, {"xxx", -0.3}, {"xxxx", -0.4}};
  EXPECT_THAT(Ids(pieces, {.metaspace = kBare}, "xxxxxx"), ElementsAre(3, 3));
  EXPECT_THAT(Ids(pieces, {.metaspace = kBare}, "xxxxxxx"), ElementsAre(3, 4));
  EXPECT_THAT(Ids(pieces, {.metaspace = kBare}, "xxxxxxxx"), ElementsAre(3, 4, 1));
}

TEST(UnigramTest, UnknownNeighboursAreOneToken) {
  const UnigramPieces pieces = {{"a", -1}, {"<u>", -1}, {"?!", -9}};
  EXPECT_THAT(Ids(pieces, {.unk_id = 1, .metaspace = kBare}, "xya\xE4\xB8\xAD<u>z"),
              ElementsAre(1, 0, 1));
}

TEST(UnigramTest, BytesStandForWhatIsUnknownIfAllExist) {
  UnigramPieces pieces = {{"<unk>", 0}, {"a", -1}, {"<0xC3>", -5}, {"<0xA9>", -5}};
  const UnigramOptions options = {.byte_fallback = true, .metaspace = kBare};
  EXPECT_THAT(Ids(pieces, options, "a\xC3\xA9"), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ids(pieces, options, "a\xC3\xA8"), ElementsAre(1, 0));
}

TEST(UnigramTest, OfRepeatedPiecesTheLastCounts) {
  const UnigramPieces pieces = {{"<unk>", 0}, {"a", -1}, {"aa", -1}, {"aa", -3}};
  EXPECT_THAT(Ids(pieces, {.metaspace = kBare}, "aa"), ElementsAre(1, 1));
}

TEST(UnigramTest, WordsAreMarkedAndCutBeforeMarks) {
  const UnigramPieces pieces = {{"<unk>", 0},
                                {"\xE2\x96\x81", -1},
                                {"\xE2\x96\x81"
                                 "a",
                                 -1},
                                {"a", -1}};
  EXPECT_THAT(Ids(pieces, {}, " a\t a\xE2\x96\x81 "), ElementsAre(2, 2, 1));
  MetaspaceOptions alone = {.split_white_space = false};
  EXPECT_THAT(Ids(pieces, {.metaspace = alone}, "a  a "), ElementsAre(2, 1, 2, 1));
  alone.prepend = MetaspaceOptions::Prepend::kNever;
  EXPECT_THAT(Ids(pieces, {.metaspace = alone}, "a a"), ElementsAre(3, 2));
}

TEST(UnigramTest, StopsAfterAWordOnceThereIsEnough) {
  const UnigramPieces pieces = {{"<unk>", 0},
                                {"\xE2\x96\x81"
                                 "a",
                                 -1}};
  const auto model = Unigram::Build(pieces, {});
  ASSERT_TRUE(model.ok());
  WordCache cache;
  cache.BelongTo({.tokenizer = 1});
  Unigram::Buffers buffers;
  std::vector<int32_t> ids;
  model->Append("a a a a a a", 2, cache, buffers, ids);
  EXPECT_EQ(ids.size(), 3u);
}

TEST(UnigramTest, TheUnknownPieceMustExist) {
  const auto model = Unigram::Build({{"a", 0}}, {.unk_id = 1});
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(std::string(model.status().message()), HasSubstr("unk_id is 1"));
}

}  // namespace
}  // namespace embedserve
