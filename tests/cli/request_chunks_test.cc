#include "cli/request_chunks.h"

#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ChunkSizes, KeepsToTheNumberOfTexts) {
  const std::vector<std::size_t> sizes(10, 3);
  EXPECT_THAT(ChunkSizes(sizes, 1, 0, {.max_texts = 4}), ElementsAre(4, 4, 2));
  EXPECT_THAT(ChunkSizes(sizes, 2, 0, {.max_texts = 4}), ElementsAre(2, 2, 2, 2, 2))
      << "pairs count as two texts";
  EXPECT_THAT(ChunkSizes(sizes, 2, 0, {.max_texts = 1}).size(), 10U);
}

TEST(ChunkSizes, KeepsToTheBytesOfAMessage) {
  // 94 bytes and 6 for tag and length: ten fit in 1000, nine beside 100 bytes of other fields.
  const std::vector<std::size_t> sizes(20, 94);
  EXPECT_THAT(ChunkSizes(sizes, 1, 0, {.max_bytes = 1000}), ElementsAre(10, 10));
  EXPECT_THAT(ChunkSizes(sizes, 1, 100, {.max_bytes = 1000}), ElementsAre(9, 9, 2));
}

TEST(ChunkSizes, ATextTooLargeGoesAlone) {
  EXPECT_THAT(ChunkSizes(std::vector<std::size_t>{10, 5000, 10}, 1, 0, {.max_bytes = 1000}),
              ElementsAre(1, 1, 1));
}

TEST(ChunkSizes, NoTextsNoRequests) { EXPECT_THAT(ChunkSizes({}, 1, 0, {}), IsEmpty()); }

TEST(ChunkSizes, LosesNothing) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < 5000; ++i) sizes.push_back(i * 7919 % 4001);
  const auto chunks = ChunkSizes(sizes, 1, 256, {});
  EXPECT_EQ(std::accumulate(chunks.begin(), chunks.end(), std::size_t{0}), sizes.size());
}

}  // namespace
}  // namespace embedserve
