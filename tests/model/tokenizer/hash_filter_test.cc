#include "model/tokenizer/hash_filter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace embedserve {
namespace {

TEST(HashFilterTest, HoldsAllThatWasPutInAndLittleElse) {
  for (const std::size_t count : {0u, 1u, 7u, 1000u, 50000u}) {
    std::mt19937_64 random(count);
    HashFilter filter;
    filter.Reserve(count);
    std::vector<uint64_t> hashes(count);
    for (uint64_t& hash : hashes) filter.Put(hash = random());
    for (const uint64_t hash : hashes) ASSERT_TRUE(filter.MayHold(hash));
    int others = 0;
    for (int i = 0; i < 10000; ++i) others += filter.MayHold(random());
    EXPECT_LE(others, 1400) << count << " hashes";  // of 8 bits and more for a hash
  }
}

}  // namespace
}  // namespace embedserve
