#include "model/tokenizer/class_masks.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace embedserve {
namespace {

std::vector<AsciiSet> SomeSets() {
  return {AsciiSet::Of([](unsigned char c) { return c == ' '; }),
          AsciiSet::Of([](unsigned char c) { return c >= 'a' && c <= 'z'; }),
          AsciiSet::Of([](unsigned char c) { return c % 3 == 0; }), AsciiSet()};
}

TEST(ClassMasksTest, ASetHoldsWhatThePredicateSays) {
  const AsciiSet set = SomeSets()[1];
  for (unsigned c = 0; c < 256; ++c) {
    EXPECT_EQ(set.Contains(static_cast<unsigned char>(c)), c >= 'a' && c <= 'z') << c;
  }
}

// The machine's levels; those that it lacks cannot be tried here.
TEST(ClassMasksTest, AllLevelsAgreeOnEveryByteAtEveryPlace) {
  const std::vector<AsciiSet> sets = SomeSets();
  std::mt19937 random(7);
  for (const std::size_t blocks : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    for (int round = 0; round < 300; ++round) {
      std::string text(blocks * kBlockBytes, '\0');
      for (char& c : text) c = static_cast<char>(random());
      std::vector<uint64_t> expected(blocks * (sets.size() + 1), 0);
      for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        uint64_t* masks = &expected[i / kBlockBytes * (sets.size() + 1)];
        const uint64_t bit = uint64_t{1} << i % kBlockBytes;
        for (std::size_t set = 0; set < sets.size(); ++set) {
          if (sets[set].Contains(byte)) masks[set] |= bit;
        }
        if (byte >= 0x80) masks[sets.size()] |= bit;
      }
      for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
        if (level > BestSimdLevel()) continue;
        std::vector<uint64_t> masks(expected.size());
        ClassifyBlocks(level, text.data(), blocks, sets, masks.data());
        ASSERT_EQ(masks, expected) << "level " << static_cast<int>(level);
      }
    }
  }
}

}  // namespace
}  // namespace embedserve
