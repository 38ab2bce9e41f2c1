// Expected values: tokenizers 0.23.3, whose truncation differential.py compares pair by pair.
#include "model/tokenizer/pair_truncation.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

std::optional<PairLengths> Cut(std::size_t first, std::size_t second, std::size_t room,
                               PairTruncation how = PairTruncation::kLongestFirst) {
  return TruncatePair({first, second}, room, how);
}

TEST(PairTruncationTest, WhatFitsStays) {
  for (const auto how :
       {PairTruncation::kLongestFirst, PairTruncation::kOnlyFirst, PairTruncation::kOnlySecond}) {
    EXPECT_EQ(Cut(3, 2, 5, how), (PairLengths{3, 2}));
    EXPECT_EQ(Cut(0, 0, 1, how), (PairLengths{0, 0}));
    EXPECT_EQ(Cut(3, 2, 0, how), (PairLengths{0, 0}));
  }
}

TEST(PairTruncationTest, LongestFirstKeepsTheShorterWhileItCan) {
  EXPECT_EQ(Cut(2, 10, 7), (PairLengths{2, 5}));
  EXPECT_EQ(Cut(10, 2, 7), (PairLengths{5, 2}));
  EXPECT_EQ(Cut(3, 10, 6), (PairLengths{3, 3}));
}

TEST(PairTruncationTest, ThenTheyShareAndTheLongerHasTheOddOne) {
  EXPECT_EQ(Cut(4, 10, 7), (PairLengths{3, 4}));
  EXPECT_EQ(Cut(10, 4, 7), (PairLengths{4, 3}));
  EXPECT_EQ(Cut(9, 9, 7), (PairLengths{3, 4}));  // of equal ones the second
  EXPECT_EQ(Cut(20, 30, 1), (PairLengths{0, 1}));
  EXPECT_EQ(Cut(30, 20, 1), (PairLengths{1, 0}));
}

TEST(PairTruncationTest, OneSideAloneMustKeepSomething) {
  EXPECT_EQ(Cut(5, 3, 4, PairTruncation::kOnlyFirst), (PairLengths{1, 3}));
  EXPECT_EQ(Cut(5, 3, 3, PairTruncation::kOnlyFirst), std::nullopt);
  EXPECT_EQ(Cut(5, 3, 6, PairTruncation::kOnlySecond), (PairLengths{5, 1}));
  EXPECT_EQ(Cut(5, 3, 5, PairTruncation::kOnlySecond), std::nullopt);
}

}  // namespace
}  // namespace embedserve
