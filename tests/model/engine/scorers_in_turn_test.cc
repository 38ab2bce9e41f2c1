#include "model/engine/scorers_in_turn.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/marked_scorer.h"

namespace embedserve {
namespace {

// Five calls of each form.
int Failures(Scorer& scorer) {
  const std::vector<float> rows(2);
  std::vector<float> scores(4);
  std::vector<uint32_t> columns(2);
  int failures = 0;
  for (int i = 0; i < 5; ++i) {
    const auto cosine = SimilarityFunction::kCosine;
    failures += !scorer.Pairs(cosine, rows, rows, 1, std::span(scores).first(2)).ok();
    failures += !scorer.Matrix(cosine, rows, rows, 1, scores).ok();
    failures += !scorer.Best(cosine, rows, rows, 1, 1, std::span(scores).first(2), columns).ok();
  }
  return failures;
}

TEST(ScorersInTurn, EachTakesItsShare) {
  const auto a = std::make_shared<MarkedScorer>(), b = std::make_shared<MarkedScorer>(),
             c = std::make_shared<MarkedScorer>();
  EXPECT_EQ(Failures(*ScorersInTurn({a, nullptr, b, c})), 0);
  for (const auto& scorer : {a, b, c}) EXPECT_EQ(scorer->calls(), 5);
}

TEST(ScorersInTurn, TheOthersComputeWhatALostOneWasGiven) {
  const auto lost = std::make_shared<MarkedScorer>(absl::DataLossError("gone"));
  const auto well = std::make_shared<MarkedScorer>();
  EXPECT_EQ(Failures(*ScorersInTurn({lost, well})), 0);
  EXPECT_EQ(well->calls(), 15);
  EXPECT_EQ(Failures(*ScorersInTurn({lost, lost})), 15);
}

TEST(ScorersInTurn, WhatTheNextCannotDoEitherIsNotTriedThere) {
  const auto full = std::make_shared<MarkedScorer>(absl::ResourceExhaustedError("too many"));
  const auto other = std::make_shared<MarkedScorer>(absl::ResourceExhaustedError("too many"));
  EXPECT_EQ(Failures(*ScorersInTurn({full, other})), 15);
  EXPECT_EQ(full->calls() + other->calls(), 15);
}

TEST(ScorersInTurn, OneOrNoneStaysWhatItIs) {
  const auto one = std::make_shared<MarkedScorer>();
  EXPECT_EQ(ScorersInTurn({nullptr, one}), one);
  EXPECT_EQ(ScorersInTurn({nullptr, nullptr}), nullptr);
}

}  // namespace
}  // namespace embedserve
