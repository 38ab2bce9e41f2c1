#include "model/engine/cpu_engine.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/engine/reference_engine.h"
#include "tests/model/engine/engine_rows.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

using testing::HasSubstr;

EngineOptions Options(int threads, ComputeType type = ComputeType::kFp32) {
  EngineOptions options;
  options.threads = threads;
  options.compute_type = type;
  options.max_batch_tokens = 8192;
  options.max_batch_sequences = 128;
  return options;
}

bool HasBf16() { return __builtin_cpu_supports("avx512bf16"); }

std::unique_ptr<Engine> MakeEngine(const ModelFolder& folder, const EngineOptions& options) {
  auto engine = NewCpuEngine(folder, options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

// Largest difference relative to the largest value of a row.
double Difference(std::span<const float> got, std::span<const double> want) {
  double worst = 0;
  double top = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double difference = std::abs(got[i] - want[i]);
    worst = std::isnan(difference) ? std::numeric_limits<double>::infinity()
                                   : std::max(worst, difference);
    top = std::max(top, std::abs(want[i]));
  }
  return worst / top;
}

const std::vector<int> kLengths = {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200};

BatchBuilder AllLengths(RandomFolder& model) {
  BatchBuilder builder(model.folder().encoder);
  for (const int length : kLengths) builder.Add(model.Ids(length), length / 3);
  return builder;
}

// Rounding of one fp32 product over `in` terms is about sqrt(in) * 2^-24 relative; a layer has six
// steps in a row. Measured: below 2e-6.
constexpr double kFp32Bound = 1e-5;

TEST(CpuEngineTest, AgreesWithTheReferenceAtEveryLength) {
  for (const EncoderConfig& config : {OddEncoder(), EvenEncoder()}) {
    RandomFolder model(config);
    const BatchBuilder builder = AllLengths(model);
    const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
    for (const int threads : {1, 2}) {
      const auto engine = MakeEngine(model.folder(), Options(threads));
      EXPECT_LT(Difference(RowsOf(*engine, builder.Batch()), want), kFp32Bound)
          << "hidden " << config.hidden << ", threads " << threads;
    }
  }
}

TEST(CpuEngineTest, ComputesEveryActivation) {
  for (const Activation activation :
       {Activation::kGeluErf, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kRelu,
        Activation::kSilu, Activation::kTanh, Activation::kSigmoid, Activation::kIdentity}) {
    EncoderConfig config = OddEncoder();
    config.activation = activation;
    RandomFolder model(config);
    BatchBuilder builder(config);
    builder.Add(model.Ids(9));
    const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
    const auto engine = MakeEngine(model.folder(), Options(1));
    EXPECT_LT(Difference(RowsOf(*engine, builder.Batch()), want), kFp32Bound) << Name(activation);
  }
}

TEST(CpuEngineTest, PoolsInEveryModeAndConcatenates) {
  RandomFolder model(OddEncoder());
  model.SetPooling({std::begin(kAllPoolingModes), std::end(kAllPoolingModes)});
  const BatchBuilder builder = AllLengths(model);
  const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
  const auto engine = MakeEngine(model.folder(), Options(2));
  EXPECT_EQ(engine->width(), 6 * 30);
  EXPECT_LT(Difference(RowsOf(*engine, builder.Batch()), want), kFp32Bound);
}

// A lone cls or lasttoken spares the last layer most rows: the same bits as beside another mode.
TEST(CpuEngineTest, OneRowASequenceHasTheBitsOfAllRows) {
  for (const PoolingMode mode : {PoolingMode::kCls, PoolingMode::kLastToken}) {
    for (const int layers : {0, 1, 2}) {
      EncoderConfig config = EvenEncoder();
      config.layers = layers;
      RandomFolder model(config);
      const BatchBuilder builder = AllLengths(model);
      model.SetPooling({mode});
      const auto lone = MakeEngine(model.folder(), Options(2));
      const std::vector<float> rows = RowsOf(*lone, builder.Batch());
      model.SetPooling({mode, PoolingMode::kMean});
      const auto both = MakeEngine(model.folder(), Options(1));
      const std::vector<float> wide = RowsOf(*both, builder.Batch());
      const auto width = static_cast<std::size_t>(lone->width());
      for (std::size_t row = 0; row < kLengths.size(); ++row) {
        ASSERT_EQ(std::memcmp(&rows[row * width], &wide[2 * row * width], width * sizeof(float)), 0)
            << Name(mode) << ", length " << kLengths[row] << ", layers " << layers;
      }
    }
  }
}

TEST(CpuEngineTest, RunsTheHeadModulesInOrder) {
  RandomFolder model(OddEncoder());
  model.SetPooling({PoolingMode::kLastToken, PoolingMode::kMax});
  model.AddDense(60, Activation::kTanh, /*bias=*/true, /*use_residual=*/true);
  model.AddLayerNorm();
  model.AddDense(25, Activation::kGeluErf, /*bias=*/false, /*use_residual=*/true);
  model.AddNormalize();
  model.AddDense(70, Activation::kIdentity, /*bias=*/true, /*use_residual=*/false);
  const BatchBuilder builder = AllLengths(model);
  const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
  const auto engine = MakeEngine(model.folder(), Options(2));
  EXPECT_EQ(engine->width(), 70);
  EXPECT_LT(Difference(RowsOf(*engine, builder.Batch()), want), kFp32Bound);
}

TEST(CpuEngineTest, WorksWithoutTokenTypes) {
  EncoderConfig config = OddEncoder();
  config.token_types = 0;
  config.position_rule = PositionRule::kAfterPadding;
  config.pad_id = 1;
  RandomFolder model(config);
  BatchBuilder builder(config);
  builder.Add(std::vector<int32_t>{0, 71, 1, 99, 2});
  const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
  const auto engine = MakeEngine(model.folder(), Options(1));
  EXPECT_LT(Difference(RowsOf(*engine, builder.Batch()), want), kFp32Bound);
}

TEST(CpuEngineTest, Bf16StaysCloseToTheReference) {
  if (!HasBf16()) GTEST_SKIP() << "this CPU has no avx512_bf16";
  RandomFolder model(EvenEncoder());
  model.SetPooling({PoolingMode::kCls, PoolingMode::kMean});
  const BatchBuilder builder = AllLengths(model);
  const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
  const auto engine = MakeEngine(model.folder(), Options(2, ComputeType::kBf16));
  const std::vector<float> got = RowsOf(*engine, builder.Batch());
  const auto width = static_cast<std::size_t>(engine->width());
  for (std::size_t row = 0; row < kLengths.size(); ++row) {
    double dot = 0, a = 0, b = 0;
    for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
      dot += got[i] * want[i];
      a += double{got[i]} * got[i];
      b += want[i] * want[i];
    }
    EXPECT_GT(dot / std::sqrt(a * b), 0.9995) << "length " << kLengths[row];
  }
}

// The same text, the same bits: whatever shares its batch, wherever it stands, with any number of
// threads.
class SameBitsTest : public testing::TestWithParam<std::tuple<ComputeType, bool>> {};

TEST_P(SameBitsTest, InAnyBatchAtAnyPlaceWithAnyThreads) {
  const auto [type, even] = GetParam();
  if (type == ComputeType::kBf16 && !HasBf16()) GTEST_SKIP() << "this CPU has no avx512_bf16";
  RandomFolder model(even ? EvenEncoder() : OddEncoder());
  model.SetPooling({PoolingMode::kMean, PoolingMode::kCls});
  model.AddDense(33, Activation::kTanh, /*bias=*/true, /*use_residual=*/true);

  std::vector<std::vector<int32_t>> texts;
  for (const int length : kLengths) texts.push_back(model.Ids(length));
  for (int length = 4; length < 60; length += 5) texts.push_back(model.Ids(length));

  const auto one = MakeEngine(model.folder(), Options(1, type));
  const auto two = MakeEngine(model.folder(), Options(2, type));
  const auto three = MakeEngine(model.folder(), Options(3, type));
  const auto width = static_cast<std::size_t>(one->width());
  BatchBuilder builder(model.folder().encoder);
  std::vector<std::vector<float>> alone;
  for (const auto& text : texts) {
    builder.Clear();
    builder.Add(text, static_cast<int>(text.size() / 4));
    alone.push_back(RowsOf(*one, builder.Batch()));
  }

  std::mt19937 random(20);
  std::uniform_int_distribution<std::size_t> any(0, texts.size() - 1);
  for (int composition = 0; composition < 24; ++composition) {
    // From lone sequences to several windows of 2048 tokens.
    const int count = 1 + composition * composition / 8;
    builder.Clear();
    std::vector<std::size_t> picked;
    for (int i = 0; i < count; ++i) {
      picked.push_back(any(random));
      builder.Add(texts[picked.back()], static_cast<int>(texts[picked.back()].size() / 4));
    }
    for (Engine* engine : {one.get(), two.get(), three.get()}) {
      const std::vector<float> rows = RowsOf(*engine, builder.Batch());
      for (std::size_t row = 0; row < picked.size(); ++row) {
        ASSERT_EQ(std::memcmp(rows.data() + row * width, alone[picked[row]].data(),
                              width * sizeof(float)),
                  0)
            << "composition " << composition << ", row " << row << " of " << count << ", length "
            << texts[picked[row]].size();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SameBitsTest,
                         testing::Combine(testing::Values(ComputeType::kFp32, ComputeType::kBf16),
                                          testing::Bool()),
                         [](const auto& info) {
                           return std::string(Name(std::get<0>(info.param))) +
                                  (std::get<1>(info.param) ? "Even" : "Odd");
                         });

TEST(CpuEngineTest, TwoBatchesMayBeInFlight) {
  RandomFolder model(OddEncoder());
  const auto engine = MakeEngine(model.folder(), Options(1));
  BatchBuilder first(model.folder().encoder);
  first.Add(model.Ids(5));
  BatchBuilder second(model.folder().encoder);
  second.Add(model.Ids(7));
  const std::vector<float> first_rows = RowsOf(*engine, first.Batch());
  const std::vector<float> second_rows = RowsOf(*engine, second.Batch());

  ASSERT_TRUE(engine->Submit(first.Batch()).ok());
  ASSERT_TRUE(engine->Submit(second.Batch()).ok());
  EXPECT_EQ(engine->Submit(first.Batch()).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Collected(*engine), first_rows);
  EXPECT_EQ(Collected(*engine), second_rows);
  EXPECT_EQ(engine->Collect().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CpuEngineTest, AnEmptyBatchGivesNoRows) {
  RandomFolder model(OddEncoder());
  const auto engine = MakeEngine(model.folder(), Options(2));
  EXPECT_TRUE(RowsOf(*engine, BatchBuilder(model.folder().encoder).Batch()).empty());
}

TEST(CpuEngineTest, RefusesWhatItCannotTake) {
  RandomFolder model(OddEncoder());
  EngineOptions options = Options(1);
  options.max_batch_tokens = 20;
  options.max_batch_sequences = 2;
  const auto engine = MakeEngine(model.folder(), options);
  BatchBuilder builder(model.folder().encoder);
  builder.Add(model.Ids(21));
  EXPECT_EQ(engine->Submit(builder.Batch()).code(), absl::StatusCode::kResourceExhausted);
  builder.Clear();
  for (int i = 0; i < 3; ++i) builder.Add(model.Ids(1));
  EXPECT_EQ(engine->Submit(builder.Batch()).code(), absl::StatusCode::kResourceExhausted);
  builder.Clear();
  builder.Add(std::vector<int32_t>{1, 101});
  const absl::Status status = engine->Submit(builder.Batch());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("id 101"));
}

TEST(CpuEngineTest, RefusesFp16WithTheWayOut) {
  RandomFolder model(OddEncoder());
  const auto engine = NewCpuEngine(model.folder(), Options(1, ComputeType::kFp16));
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(engine.status().message(), HasSubstr("choose fp32"));
}

TEST(CpuEngineTest, RefusesBf16WhereTheCpuLacksIt) {
  if (HasBf16()) GTEST_SKIP() << "this CPU has avx512_bf16";
  RandomFolder model(OddEncoder());
  const auto engine = NewCpuEngine(model.folder(), Options(1, ComputeType::kBf16));
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(engine.status().message(), HasSubstr("avx512_bf16"));
}

}  // namespace
}  // namespace embedserve
