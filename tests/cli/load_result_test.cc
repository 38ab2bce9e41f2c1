#include "cli/load_result.h"

#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

TEST(Percentile, IsTheNearestRank) {
  std::vector<double> hundred;
  for (int i = 1; i <= 100; ++i) hundred.push_back(i);
  EXPECT_EQ(Percentile(hundred, 0.50), 50);
  EXPECT_EQ(Percentile(hundred, 0.99), 99);
  EXPECT_EQ(Percentile(hundred, 1), 100);
  EXPECT_EQ(Percentile({7}, 0.5), 7);
  EXPECT_EQ(Percentile({1, 2, 3}, 0.99), 3);
  EXPECT_EQ(Percentile({}, 0.5), 0);
}

LoadResult TwoThreads() {
  LoadResult total;
  total.Add({2.0, 8, 80, {0.004, 0.002}, {{"UNAVAILABLE", 1}}});
  total.Add({1.5, 4, 40, {0.001, 0.003}, {{"UNAVAILABLE", 2}, {"RESOURCE_EXHAUSTED", 1}}});
  return total;
}

TEST(LoadResult, AddsUpOverTheLongestTime) {
  LoadResult total = TwoThreads();
  const auto json = nlohmann::json::parse(LoadJson(total));
  EXPECT_EQ(json["seconds"], 2.0);
  EXPECT_EQ(json["requests"], 4);
  EXPECT_EQ(json["sentences_per_second"], 6.0);
  EXPECT_EQ(json["tokens_per_second"], 60.0);
  EXPECT_EQ(json["p50_ms"], 2.0);
  EXPECT_EQ(json["max_ms"], 4.0);
  EXPECT_EQ(json["errors"]["UNAVAILABLE"], 3);
  EXPECT_EQ(json["errors"]["RESOURCE_EXHAUSTED"], 1);
}

TEST(LoadResult, TableNamesErrorsByCode) {
  LoadResult total = TwoThreads();
  const std::string table = LoadTable(total);
  EXPECT_THAT(table, HasSubstr("sentences/s  6.0\n"));
  EXPECT_THAT(table, HasSubstr("errors       4\n"));
  EXPECT_THAT(table, HasSubstr("  UNAVAILABLE 3\n"));
}

TEST(LoadResult, NothingAnsweredGivesZeros) {
  LoadResult none;
  EXPECT_EQ(nlohmann::json::parse(LoadJson(none))["sentences_per_second"], 0);
}

}  // namespace
}  // namespace embedserve
