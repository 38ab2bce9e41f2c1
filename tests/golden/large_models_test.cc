// Real models of useful size against the reference. They are not in the tree: a test whose model is
// absent says so and skips.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/evaluation.h"
#include "tests/golden/golden_model.h"
#include "tests/kernels/require_device.h"

namespace embedserve {
namespace {

std::filesystem::path SharedDirectory() {
  return GoldenDirectory().parent_path().parent_path() / "../shared";
}

struct Agreement {
  float max_abs = 0;      // largest difference of two values, of any text
  double min_cosine = 1;  // of the rows of one text
};

Agreement Compare(std::span<const float> rows, std::span<const float> expected, std::size_t width) {
  Agreement agreement;
  for (std::size_t first = 0; first < expected.size(); first += width) {
    double dot = 0, a = 0, b = 0;
    for (std::size_t i = first; i < first + width; ++i) {
      const float difference = std::abs(rows[i] - expected[i]);
      if (!(difference <= agreement.max_abs)) agreement.max_abs = difference;  // a NaN stays
      dot += double{rows[i]} * double{expected[i]};
      a += double{rows[i]} * double{rows[i]};
      b += double{expected[i]} * double{expected[i]};
    }
    const double cosine = dot / std::sqrt(a * b);
    if (!(cosine >= agreement.min_cosine)) agreement.min_cosine = cosine;
  }
  return agreement;
}

class MiniLmTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path directory = MiniLmDirectory();
    if (directory.empty()) {
      GTEST_SKIP() << "SKIPPED, NOT TESTED: no all-MiniLM-L6-v2 in EMBEDSERVE_MINILM or in "
                      "models/all-MiniLM-L6-v2; scripts/fetch-model gets it";
    }
    auto model = Model::Load(directory);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    const std::string stem = (GoldenDirectory() / "embeddings/all-MiniLM-L6-v2").string();
    facts_ = ReadJson(stem + ".json");
    texts_ = facts_.at("texts").get<std::vector<std::string>>();
    rows_ = ReadFloats(stem + ".f32");
    ASSERT_GE(texts_.size(), 300u);
    ASSERT_EQ(rows_.size(), texts_.size() * 384);
  }

  std::unique_ptr<const Model> model_;
  nlohmann::json facts_;
  std::vector<std::string> texts_;
  std::vector<float> rows_;
};

TEST_F(MiniLmTest, TokenIds) {
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  std::vector<int32_t> pooling_start;
  const std::vector<std::string_view> views(texts_.begin(), texts_.end());
  const auto status = model_->Tokenize(views, "", std::nullopt, scratch, batch, pooling_start);
  ASSERT_TRUE(status.ok()) << status;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    EXPECT_THAT(batch[i],
                testing::ElementsAreArray(facts_.at("ids").at(i).get<std::vector<int32_t>>()))
        << texts_[i];
  }
}

TEST_F(MiniLmTest, Fp32) {
  const auto rows = Encode(*model_, texts_, ComputeType::kFp32);
  ASSERT_TRUE(rows.ok()) << rows.status();
  const Agreement agreement = Compare(*rows, rows_, 384);
  RecordProperty("max_abs", testing::PrintToString(agreement.max_abs));
  RecordProperty("min_cosine", testing::PrintToString(agreement.min_cosine));
  EXPECT_LE(agreement.max_abs, 1e-5f);
  EXPECT_GE(agreement.min_cosine, 0.999999);
}

TEST_F(MiniLmTest, Bf16) {
  const auto rows = Encode(*model_, texts_, ComputeType::kBf16);
  if (!rows.ok()) GTEST_SKIP() << "no bf16 engine on this CPU: " << rows.status();
  const Agreement agreement = Compare(*rows, rows_, 384);
  RecordProperty("min_cosine", testing::PrintToString(agreement.min_cosine));
  EXPECT_GE(agreement.min_cosine, 0.999);
}

// The bars of semantics.md 10 for a device; fp32 sums run in another order than the reference's.
TEST_F(MiniLmTest, OnCuda) {
  EMBEDSERVE_NEED_DEVICE();
  for (const ComputeType type : {ComputeType::kFp32, ComputeType::kFp16, ComputeType::kBf16}) {
    const auto rows = Encode(*model_, texts_, type, 0, "cuda:0");
    ASSERT_TRUE(rows.ok()) << rows.status();
    const Agreement agreement = Compare(*rows, rows_, 384);
    const std::string name(Name(type));
    RecordProperty(name + "_max_abs", testing::PrintToString(agreement.max_abs));
    RecordProperty(name + "_min_cosine", testing::PrintToString(agreement.min_cosine));
    if (type == ComputeType::kFp32) {
      EXPECT_LE(agreement.max_abs, 2e-5f);
    }
    EXPECT_GE(agreement.min_cosine, type == ComputeType::kBf16 ? 0.999 : 0.9999) << name;
  }
}

// The shape this project exists for: RoBERTa, CLS, 768 wide, sharded fp16 weights, no Normalize.
class RemadeDistilRobertaTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = SharedDirectory() / "models/mrpc-distilroberta-remade";
    if (!std::filesystem::exists(directory_)) {
      GTEST_SKIP() << "SKIPPED, NOT TESTED: no " << directory_;
    }
    auto model = Model::Load(directory_);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }

  std::filesystem::path directory_;
  std::unique_ptr<const Model> model_;
};

TEST_F(RemadeDistilRobertaTest, VerifyReference) {
  const nlohmann::json reference = ReadJson(directory_ / "verify-reference.json");
  const auto texts = reference.at("texts").get<std::vector<std::string>>();
  std::vector<float> expected;
  for (const auto& row : reference.at("embeddings")) {
    for (const auto& value : row) expected.push_back(value.get<float>());
  }
  float largest = 1;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  const auto rows = Encode(*model_, texts);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), expected.size());
  const Agreement agreement = Compare(*rows, expected, 768);
  RecordProperty("max_abs", testing::PrintToString(agreement.max_abs));
  RecordProperty("min_cosine", testing::PrintToString(agreement.min_cosine));
  EXPECT_LE(agreement.max_abs, 1e-5f * largest);
  EXPECT_GE(agreement.min_cosine, 0.999999);
}

// The 408 pairs of GLUE's MRPC development set: the numbers of a model card, to 4 decimals.
void ExpectMrpcMetrics(const Model& model, const nlohmann::json& expected) {
  std::ifstream file(SharedDirectory() / "data/mrpc-glue-dev.tsv");
  if (!file) GTEST_SKIP() << "SKIPPED, NOT TESTED: no " << SharedDirectory() / "data";
  std::vector<std::string> texts;  // a, b, a, b, ...
  std::vector<uint8_t> labels;
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    labels.push_back(line.at(0) == '1' ? 1 : 0);
    texts.push_back(line.substr(first + 1, second - first - 1));
    texts.push_back(line.substr(second + 1));
  }
  ASSERT_EQ(labels.size(), 408u);
  const auto rows = Encode(model, texts);
  ASSERT_TRUE(rows.ok()) << rows.status();
  const std::size_t width = rows->size() / texts.size();
  std::vector<float> a;
  std::vector<float> b;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = std::span(*rows).subspan(i * width, width);
    std::vector<float>& side = i % 2 == 0 ? a : b;
    side.insert(side.end(), row.begin(), row.end());
  }
  const SimilarityFunction cosine[] = {SimilarityFunction::kCosine};
  const Evaluation evaluation =
      EvaluateBinary(cosine, {.a = a, .b = b, .width = static_cast<int>(width)}, labels);
  ASSERT_EQ(evaluation.metrics.size(), expected.size());
  for (const Metric& metric : evaluation.metrics) {
    EXPECT_NEAR(metric.value, expected.at(metric.name).get<double>(), 5e-5) << metric.name;
  }
}

TEST_F(RemadeDistilRobertaTest, MrpcMetrics) {
  ExpectMrpcMetrics(*model_, ReadJson(directory_ / "evaluation-mrpc-dev.json").at("metrics"));
}

// By the same evaluator of sentence-transformers 6.2.0.
TEST_F(MiniLmTest, MrpcMetrics) {
  ExpectMrpcMetrics(*model_, {{"cosine_accuracy", 0.7500},
                              {"cosine_accuracy_threshold", 0.6928},
                              {"cosine_f1", 0.8359},
                              {"cosine_f1_threshold", 0.5646},
                              {"cosine_precision", 0.7357},
                              {"cosine_recall", 0.9677},
                              {"cosine_ap", 0.8492},
                              {"cosine_mcc", 0.3338}});
}

}  // namespace
}  // namespace embedserve
