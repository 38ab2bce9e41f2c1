#include "model/folder/content_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace embedserve {
namespace {

HashedFile File(std::string name, const std::string& contents) {
  return {std::move(name), std::as_bytes(std::span(contents))};
}

std::string Hash(const std::vector<HashedFile>& files) {
  const auto hash = ContentHash(files);
  EXPECT_TRUE(hash.ok()) << hash.status();
  return hash.value_or("");
}

// Expected values: Python's hashlib over the definition in the header.
TEST(ContentHashTest, IsSha256OverNamesSizesAndPieces) {
  EXPECT_EQ(Hash({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hash({File("a", "abc"), File("b/c.json", "{}")}),
            "f135f2e1309ea3f128e19fc04d6d2fd946f02e64d464a16504209accce6248bf");
  EXPECT_EQ(Hash({File("w", std::string((8 << 20) + 1, 'x'))}),  // two pieces
            "5215fc72928a5f2825f5acc8f2734f6238fda3c4ef4d254f2b56d5224c0859a2");
}

TEST(ContentHashTest, EveryPartCounts) {
  const std::set<std::string> hashes = {Hash({File("a", "xy")}),
                                        Hash({File("b", "xy")}),
                                        Hash({File("a", "xz")}),
                                        Hash({File("a", "x"), File("a", "y")}),
                                        Hash({File("a", "xy"), File("b", "")}),
                                        Hash({File("b", ""), File("a", "xy")})};
  EXPECT_EQ(hashes.size(), 6u);
}

}  // namespace
}  // namespace embedserve
