// "Same text, same options, same server = the same bits": alone, in any batch, at any place of it,
// on one thread or two, in every compute type that this CPU has.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "gtest/gtest.h"
#include "model/model.h"
#include "tests/golden/golden_file.h"

namespace embedserve {
namespace {

constexpr unsigned kSeed = 20;  // of the random compositions
constexpr int kRounds = 8;
constexpr std::size_t kMostTexts = 40;

// A model of useful size beside the tiny ones.
constexpr char kMiniLm[] = "all-MiniLM-L6-v2";

std::vector<std::string> ModelNames() {
  std::vector<std::string> names = TinyModelNames();
  names.emplace_back(kMiniLm);
  return names;
}

class BatchingTest : public testing::TestWithParam<std::tuple<std::string, ComputeType>> {
 protected:
  void SetUp() override {
    const std::string& name = std::get<0>(GetParam());
    const std::filesystem::path directory =
        name == kMiniLm ? MiniLmDirectory() : TinyModelDirectory(name);
    if (directory.empty()) GTEST_SKIP() << "SKIPPED, NOT TESTED: no " << name;
    auto model = Model::Load(directory);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    const nlohmann::json golden = ReadJson(GoldenDirectory() / "embeddings" / (name + ".json"));
    const nlohmann::json& all = golden.at("texts");
    const std::size_t step = (all.size() + kMostTexts - 1) / kMostTexts;
    for (std::size_t i = 0; i < all.size(); i += step) texts_.push_back(all[i].get<std::string>());
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    const auto prompt = model_->ResolvePrompt({});
    ASSERT_TRUE(prompt.ok());
    Tokenizer::Scratch scratch;
    const auto status =
        model_->Tokenize(views, *prompt, std::nullopt, scratch, tokens_, pooling_start_);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::unique_ptr<Engine> NewEngine(int threads) {
    auto engine =
        model_->NewEngine("cpu", {.threads = threads, .compute_type = std::get<1>(GetParam())});
    if (!engine.ok()) {
      message_ = engine.status().ToString();
      return nullptr;
    }
    return *std::move(engine);
  }

  std::vector<float> Run(Engine& engine, const std::vector<std::size_t>& order) {
    BatchBuilder builder(model_->folder().encoder);
    for (const std::size_t i : order) builder.Add(tokens_[i], pooling_start_[i]);
    EXPECT_TRUE(engine.Submit(builder.Batch()).ok());
    const auto rows = engine.Collect();
    EXPECT_TRUE(rows.ok()) << rows.status();
    return {rows->begin(), rows->end()};
  }

  // Rows of every text computed alone, on one thread: what all other ways must equal.
  std::vector<float> Alone() {
    std::vector<float> rows;
    const auto engine = NewEngine(1);
    if (engine == nullptr) return rows;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::vector<float> row = Run(*engine, {i});
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  std::unique_ptr<const Model> model_;
  std::vector<std::string> texts_;
  TokenBatch tokens_;
  std::vector<int32_t> pooling_start_;
  std::string message_;
};

TEST_P(BatchingTest, SameBitsInEveryComposition) {
  const std::vector<float> alone = Alone();
  if (alone.empty()) GTEST_SKIP() << "no such engine here: " << message_;
  const std::size_t width = alone.size() / tokens_.size();

  std::mt19937 random(kSeed);
  for (const int threads : {1, 2}) {
    const auto engine = NewEngine(threads);
    ASSERT_NE(engine, nullptr) << message_;
    for (int round = 0; round < kRounds; ++round) {
      // All in order, all in another order, then random picks with repeats.
      std::vector<std::size_t> order(tokens_.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      if (round > 0) std::shuffle(order.begin(), order.end(), random);
      if (round > 1) {
        order.resize(1 + random() % order.size());
        for (std::size_t& index : order) index = random() % tokens_.size();
      }
      const std::vector<float> rows = Run(*engine, order);
      for (std::size_t i = 0; i < order.size(); ++i) {
        ASSERT_EQ(std::memcmp(&rows[i * width], &alone[order[i] * width], width * sizeof(float)), 0)
            << threads << " threads, round " << round << ", place " << i << " of " << order.size()
            << ": " << texts_[order[i]];
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, BatchingTest,
                         testing::Combine(testing::ValuesIn(ModelNames()),
                                          testing::Values(ComputeType::kFp32, ComputeType::kBf16)),
                         [](const testing::TestParamInfo<BatchingTest::ParamType>& info) {
                           std::string name = std::get<0>(info.param) + "_" +
                                              std::string(Name(std::get<1>(info.param)));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace embedserve
