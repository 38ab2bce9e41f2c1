#include "model/evaluation.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;

constexpr float kScores[] = {.95f, .90f, .80f, .80f, .80f, .70f, .60f, .55f, .40f, .10f};
constexpr double kFour = 5e-5;  // fixtures are given to four decimals

struct Expected {
  double accuracy, accuracy_threshold, f1, f1_threshold, precision, recall, ap, mcc;
};

void ExpectMetrics(const BinaryMetrics& actual, const Expected& expected) {
  EXPECT_NEAR(actual.accuracy, expected.accuracy, kFour);
  EXPECT_NEAR(actual.accuracy_threshold, expected.accuracy_threshold, kFour);
  EXPECT_NEAR(actual.f1, expected.f1, kFour);
  EXPECT_NEAR(actual.f1_threshold, expected.f1_threshold, kFour);
  EXPECT_NEAR(actual.precision, expected.precision, kFour);
  EXPECT_NEAR(actual.recall, expected.recall, kFour);
  EXPECT_NEAR(actual.ap, expected.ap, kFour);
  EXPECT_NEAR(actual.mcc, expected.mcc, kFour);
}

constexpr Expected kTied = {.7, .85, .7692, .475, .625, 1, .7783, .5};

// The fixtures of semantics.md 9, all from sentence-transformers 6.2.0.
TEST(ClassifyByThreshold, TiesAreOneGroupWhateverTheirOrder) {
  ExpectMetrics(ClassifyByThreshold(kScores, std::vector<uint8_t>{1, 1, 0, 1, 0, 1, 0, 1, 0, 0},
                                    Better::kLarger),
                kTied);
  ExpectMetrics(ClassifyByThreshold(kScores, std::vector<uint8_t>{1, 1, 1, 0, 0, 1, 0, 1, 0, 0},
                                    Better::kLarger),
                kTied);
}

TEST(ClassifyByThreshold, DistancesGoTheOtherWay) {
  std::vector<float> distances;
  for (const float score : kScores) distances.push_back(1 - score);
  Expected expected = kTied;
  expected.accuracy_threshold = .15;
  expected.f1_threshold = .525;
  ExpectMetrics(ClassifyByThreshold(distances, std::vector<uint8_t>{1, 1, 0, 1, 0, 1, 0, 1, 0, 0},
                                    Better::kSmaller),
                expected);
}

TEST(ClassifyByThreshold, AllPositive) {
  const BinaryMetrics m =
      ClassifyByThreshold(kScores, std::vector<uint8_t>(std::size(kScores), 1), Better::kLarger);
  ExpectMetrics(m, {1, .1, 1, .1, 1, 1, 1, 0});
  EXPECT_EQ(m.accuracy_threshold, static_cast<double>(.10f));
}

TEST(ClassifyByThreshold, AllNegative) {
  const BinaryMetrics m =
      ClassifyByThreshold(kScores, std::vector<uint8_t>(std::size(kScores), 0), Better::kLarger);
  ExpectMetrics(m, {1, .95, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(m.accuracy_threshold, static_cast<double>(std::nextafter(.95f, 2.0f)));
}

TEST(ClassifyByThreshold, NoneMatchesIsTried) {
  const std::vector<float> scores = {.9f, .8f, .7f, .6f, .5f};
  const BinaryMetrics m =
      ClassifyByThreshold(scores, std::vector<uint8_t>{0, 0, 1, 0, 0}, Better::kLarger);
  ExpectMetrics(m, {.8, .9, .5, .65, 1. / 3, 1, .3333, .4082});
  EXPECT_EQ(m.accuracy_threshold, static_cast<double>(std::nextafter(.9f, 1.0f)));
}

TEST(ClassifyByThreshold, MidpointThatRoundsOntoTheNextScoreIsNotTaken) {
  const std::vector<float> scores = {0x1.000002p-1f, 0x1.0p-1f};
  const BinaryMetrics m = ClassifyByThreshold(scores, std::vector<uint8_t>{1, 0}, Better::kLarger);
  EXPECT_EQ(m.accuracy_threshold, 0x1.000002p-1);
  EXPECT_EQ(m.f1_threshold, 0x1.000002p-1);
  EXPECT_EQ(m.mcc, 1);
}

TEST(ClassifyByThreshold, InputOrderDoesNotMatter) {
  const std::vector<float> scores = {.5f, .9f, .7f, .8f, .6f};
  ExpectMetrics(ClassifyByThreshold(scores, std::vector<uint8_t>{0, 0, 1, 0, 0}, Better::kLarger),
                {.8, .9, .5, .65, 1. / 3, 1, .3333, .4082});
}

TEST(ClassifyByThreshold, NoPairsGiveZeros) {
  ExpectMetrics(ClassifyByThreshold({}, {}, Better::kLarger), {});
}

// (1,0) against (2,0), (1,.2), (1,1), (0,1), (-1,.5), gold 5 4 4 1 0: semantics.md 9.
constexpr float kLeft[] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
constexpr float kRight[] = {2, 0, 1, .2f, 1, 1, 0, 1, -1, .5f};
constexpr double kGold[] = {5, 4, 4, 1, 0};

TEST(EvaluateCorrelation, Fixture) {
  const Evaluation e = EvaluateCorrelation(kAllSimilarityFunctions, {kLeft, kRight, 2}, kGold);
  const std::vector<Metric> expected = {{"pearson_cosine", .9592},    {"spearman_cosine", .9747},
                                        {"pearson_dot", .9709},       {"spearman_dot", 1},
                                        {"pearson_euclidean", .7938}, {"spearman_euclidean", .7632},
                                        {"pearson_manhattan", .8820}, {"spearman_manhattan", .7632},
                                        {"pearson_max", .9709},       {"spearman_max", 1}};
  ASSERT_EQ(e.metrics.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(e.metrics[i].name, expected[i].name);
    EXPECT_NEAR(e.metrics[i].value, expected[i].value, kFour) << expected[i].name;
  }
  EXPECT_EQ(e.primary, "spearman_max");
}

TEST(EvaluateCorrelation, OneFunctionHasNoMaximum) {
  const SimilarityFunction functions[] = {SimilarityFunction::kDot};
  const Evaluation e = EvaluateCorrelation(functions, {kLeft, kRight, 2}, kGold);
  EXPECT_EQ(e.metrics.size(), 2U);
  EXPECT_EQ(e.primary, "spearman_dot");
}

TEST(Pearson, ConstantSideIsNotANumber) {
  const std::vector<double> constant = {1, 1, 1}, rising = {1, 2, 3};
  EXPECT_TRUE(std::isnan(Pearson(constant, rising)));
  EXPECT_TRUE(std::isnan(Spearman(rising, constant)));
}

TEST(Spearman, TiesTakeTheirMeanRank) {
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
  EXPECT_NEAR(Spearman(std::vector<double>{1, 2, 2, 3}, std::vector<double>{1, 2, 3, 4}),
              0.9486832980505138, 1e-15);
}

std::vector<std::string> Names(const Evaluation& evaluation) {
  std::vector<std::string> names;
  for (const Metric& metric : evaluation.metrics) names.push_back(metric.name);
  return names;
}

TEST(EvaluateBinary, NamesAndOrderOfTheReference) {
  const SimilarityFunction functions[] = {SimilarityFunction::kCosine};
  const Evaluation e =
      EvaluateBinary(functions, {kLeft, kRight, 2}, std::vector<uint8_t>{1, 1, 1, 0, 0});
  EXPECT_THAT(Names(e), ElementsAre("cosine_accuracy", "cosine_accuracy_threshold", "cosine_f1",
                                    "cosine_f1_threshold", "cosine_precision", "cosine_recall",
                                    "cosine_ap", "cosine_mcc"));
  EXPECT_EQ(e.primary, "cosine_ap");
  EXPECT_EQ(e.metrics[0].value, 1);
}

TEST(EvaluateBinary, DistancesArePositiveAndMaximaPlain) {
  const SimilarityFunction functions[] = {SimilarityFunction::kEuclidean,
                                          SimilarityFunction::kManhattan};
  const Evaluation e =
      EvaluateBinary(functions, {kLeft, kRight, 2}, std::vector<uint8_t>{0, 1, 0, 0, 0});
  ASSERT_EQ(e.metrics.size(), 24U);
  // Best cut after (1,.2) at distance .2; the next distance is 1 for both functions.
  EXPECT_FLOAT_EQ(static_cast<float>(e.metrics[1].value), .6f);
  EXPECT_EQ(e.metrics[16].name, "max_accuracy");
  EXPECT_EQ(e.metrics[16].value, 1);
  EXPECT_EQ(e.metrics[17].value, std::max(e.metrics[1].value, e.metrics[9].value));
  EXPECT_EQ(e.primary, "max_ap");
}

// Row for row the table that a model card shows.
TEST(MarkdownTable, IsTheModelCards) {
  const Evaluation e{{{"cosine_accuracy", 0.7941176470588235},
                      {"cosine_accuracy_threshold", 0.8946959972381592},
                      {"cosine_ap", 0.9196327255422294}},
                     "cosine_ap"};
  EXPECT_EQ(MarkdownTable(e),
            "| Metric                    | Value      |\n"
            "|:--------------------------|:-----------|\n"
            "| cosine_accuracy           | 0.7941     |\n"
            "| cosine_accuracy_threshold | 0.8947     |\n"
            "| **cosine_ap**             | **0.9196** |\n");
}

TEST(Json, KeepsFullPrecision) {
  const Evaluation e{
      {{"cosine_ap", 0.9196327255422294}, {"cosine_mcc", 0}, {"pearson_cosine", std::nan("")}},
      "cosine_ap"};
  EXPECT_EQ(Json(e),
            "{\"cosine_ap\": 0.9196327255422294, \"cosine_mcc\": 0, \"pearson_cosine\": null}");
}

}  // namespace
}  // namespace embedserve
