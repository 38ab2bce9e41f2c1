// Both evaluators of the reference, from texts to metrics, on tiny models.
#include "model/evaluation.h"

#include <algorithm>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_model.h"

namespace embedserve {
namespace {

class EvaluationGoldenTest : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    golden_ = ReadJson(GoldenDirectory() / "evaluation.json");
    for (const nlohmann::json& pair : golden_.at("pairs")) {
      gold_.push_back(pair.at(0).get<double>());
      labels_.push_back(gold_.back() >= 3 ? 1 : 0);
      a_.push_back(pair.at(1).get<std::string>());
      b_.push_back(pair.at(2).get<std::string>());
    }
    for (const auto& name : run().at("functions")) {
      functions_.push_back(*SimilarityFunctionFromName(name.get<std::string>()));
    }
  }

  const nlohmann::json& run() const { return golden_.at("runs").at(GetParam()); }

  // Names in the reference's order, values by `tolerance(name)`.
  template <typename Tolerance>
  static void ExpectMetrics(const Evaluation& evaluation, const nlohmann::json& expected,
                            Tolerance tolerance) {
    EXPECT_EQ(evaluation.metrics.size(), expected.size());
    for (const Metric& metric : evaluation.metrics) {
      ASSERT_TRUE(expected.contains(metric.name)) << metric.name;
      EXPECT_NEAR(metric.value, expected.at(metric.name).get<double>(), tolerance(metric.name))
          << metric.name;
    }
  }

  nlohmann::json golden_;
  std::vector<std::string> a_, b_;
  std::vector<uint8_t> labels_;
  std::vector<double> gold_;
  std::vector<SimilarityFunction> functions_;
};

TEST_P(EvaluationGoldenTest, SameMetrics) {
  const auto model = Model::Load(TinyModelDirectory(run().at("model").get<std::string>()));
  ASSERT_TRUE(model.ok()) << model.status();
  const int dimensions = run().at("truncate_dim").get<int>();
  const auto a = Encode(**model, a_, ComputeType::kFp32, dimensions);
  const auto b = Encode(**model, b_, ComputeType::kFp32, dimensions);
  ASSERT_TRUE(a.ok()) << a.status();
  ASSERT_TRUE(b.ok()) << b.status();
  const Pairs pairs{.a = *a, .b = *b, .width = static_cast<int>(a->size() / a_.size())};

  const Evaluation binary = EvaluateBinary(functions_, pairs, labels_);
  EXPECT_EQ(binary.primary, run().at("binary_primary").get<std::string>());
  ExpectMetrics(binary, run().at("binary"), [](std::string_view name) {
    // Scores of up to 50 in fp32; the others are ratios of counts.
    return name.find("threshold") != std::string_view::npos ? 2e-4 : 1e-9;
  });

  const Evaluation correlation = EvaluateCorrelation(functions_, pairs, gold_);
  EXPECT_EQ(correlation.primary, run().at("correlation_primary").get<std::string>());
  ExpectMetrics(correlation, run().at("correlation"), [](std::string_view name) {
    // The cosine of a text with itself is 1 but for its last bits: those pairs rank by noise.
    const bool noisy = name == "spearman_cosine" || name == "spearman_dot";
    return noisy ? 5e-3 : 1e-5;
  });
}

INSTANTIATE_TEST_SUITE_P(Runs, EvaluationGoldenTest,
                         testing::Range(std::size_t{0}, std::size_t{4}));

TEST(EvaluationGoldenFileTest, EveryRunIsTested) {
  EXPECT_EQ(ReadJson(GoldenDirectory() / "evaluation.json").at("runs").size(), 4u);
}

}  // namespace
}  // namespace embedserve
