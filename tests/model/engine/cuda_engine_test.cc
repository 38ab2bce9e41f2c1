#include "model/engine/cuda_engine.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/engine/reference_engine.h"
#include "tests/kernels/require_device.h"
#include "tests/model/engine/engine_rows.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

using testing::HasSubstr;

constexpr ComputeType kAllTypes[] = {ComputeType::kFp32, ComputeType::kFp16, ComputeType::kBf16};

EngineOptions Options(ComputeType type) {
  return {.compute_type = type, .max_batch_tokens = 4096, .max_batch_sequences = 256};
}

// Two layers as wide as the main model's.
EncoderConfig WideEncoder() {
  EncoderConfig config;
  config.model_type = "roberta";
  config.layers = 2;
  config.hidden = 768;
  config.heads = 12;
  config.head_size = 64;
  config.feed_forward = 3072;
  config.vocabulary = 200;
  config.positions = 514;
  config.token_types = 1;
  config.layer_norm_eps = 1e-5F;
  config.position_rule = PositionRule::kAfterPadding;
  config.pad_id = 1;
  return config;
}

std::unique_ptr<Engine> MakeEngine(const ModelFolder& folder, const EngineOptions& options) {
  auto engine = NewCudaEngine(folder, 0, options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? *std::move(engine) : nullptr;
}

// semantics.md 10. fp32: largest difference in proportion of the largest value; the sum of one
// product over K terms is off by about sqrt(K) 2^-24, and a layer has six steps in a row.
// fp16, bf16: cosine of every row.
void ExpectClose(std::span<const float> got, std::span<const double> want, int width,
                 ComputeType type) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t row = 0; row < got.size(); row += static_cast<std::size_t>(width)) {
    double dot = 0, a = 0, b = 0, worst = 0, top = 0;
    for (std::size_t i = row; i < row + static_cast<std::size_t>(width); ++i) {
      const double difference = std::abs(got[i] - want[i]);
      worst = difference > worst || std::isnan(difference) ? difference : worst;
      top = std::max(top, std::abs(want[i]));
      dot += got[i] * want[i];
      a += double{got[i]} * got[i];
      b += want[i] * want[i];
    }
    const std::size_t index = row / static_cast<std::size_t>(width);
    if (type == ComputeType::kFp32) {
      EXPECT_LE(worst / top, 1e-5) << "row " << index;
    } else {
      EXPECT_GE(dot / std::sqrt(a * b), type == ComputeType::kFp16 ? 0.99999 : 0.999)
          << Name(type) << ", row " << index;
    }
  }
}

void CheckAgainstReference(RandomFolder& model, const std::vector<int>& lengths) {
  BatchBuilder builder(model.folder().encoder);
  for (const int length : lengths) builder.Add(model.Ids(length), length / 3);
  const auto want = ReferenceEngine(model.folder()).Rows(builder.Batch());
  for (const ComputeType type : kAllTypes) {
    const auto engine = MakeEngine(model.folder(), Options(type));
    ASSERT_NE(engine, nullptr);
    EXPECT_EQ(engine->width(), model.folder().dimensions);
    ExpectClose(RowsOf(*engine, builder.Batch()), want, engine->width(), type);
  }
}

const std::vector<int> kLengths = {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200};

TEST(CudaEngineTest, AgreesWithTheReferenceAtEveryLength) {
  EMBEDSERVE_NEED_DEVICE();
  for (const EncoderConfig& config : {OddEncoder(), EvenEncoder()}) {
    RandomFolder model(config);
    CheckAgainstReference(model, kLengths);
  }
}

TEST(CudaEngineTest, AgreesWithTheReferenceAtTheMainModelsWidth) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(WideEncoder());
  CheckAgainstReference(model, {27, 1, 40});
  model.SetPooling({PoolingMode::kCls});
  CheckAgainstReference(model, {27, 1, 40});
}

TEST(CudaEngineTest, ComputesEveryActivation) {
  EMBEDSERVE_NEED_DEVICE();
  for (const Activation activation :
       {Activation::kGeluErf, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kRelu,
        Activation::kSilu, Activation::kTanh, Activation::kSigmoid, Activation::kIdentity}) {
    SCOPED_TRACE(Name(activation));
    EncoderConfig config = EvenEncoder();
    config.activation = activation;
    RandomFolder model(config);
    CheckAgainstReference(model, {9});
  }
}

TEST(CudaEngineTest, PoolsInEveryModeAloneAndSideBySide) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  for (const PoolingMode mode : kAllPoolingModes) {
    SCOPED_TRACE(Name(mode));
    model.SetPooling({mode});
    CheckAgainstReference(model, kLengths);
  }
  model.SetPooling({std::begin(kAllPoolingModes), std::end(kAllPoolingModes)});
  CheckAgainstReference(model, kLengths);
}

TEST(CudaEngineTest, RunsTheHeadModulesInOrder) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  model.SetPooling({PoolingMode::kLastToken, PoolingMode::kMax});
  const int pooled = model.folder().dimensions;
  model.AddDense(pooled, Activation::kTanh, /*bias=*/true, /*use_residual=*/true);
  model.AddLayerNorm();
  model.AddDense(25, Activation::kGeluErf, /*bias=*/false, /*use_residual=*/true);
  model.AddNormalize();
  model.AddDense(70, Activation::kIdentity, /*bias=*/true, /*use_residual=*/false);
  CheckAgainstReference(model, kLengths);
}

TEST(CudaEngineTest, WorksWithoutTokenTypes) {
  EMBEDSERVE_NEED_DEVICE();
  EncoderConfig config = EvenEncoder();
  config.token_types = 0;
  config.position_rule = PositionRule::kAfterPadding;
  config.pad_id = 1;
  RandomFolder model(config);
  CheckAgainstReference(model, {5, 40});
}

// The same text, the same bits: alone, in any batch, at any place, in a graph or launched.
void CheckSameBits(RandomFolder& model, ComputeType type, const std::vector<int>& lengths,
                   int compositions) {
  std::vector<std::vector<int32_t>> texts;
  for (const int length : lengths) texts.push_back(model.Ids(length));
  const auto engine = MakeEngine(model.folder(), Options(type));
  ASSERT_NE(engine, nullptr);
  const auto width = static_cast<std::size_t>(engine->width());
  BatchBuilder builder(model.folder().encoder);
  std::vector<std::vector<float>> alone;
  for (const auto& text : texts) {
    builder.Clear();
    builder.Add(text, static_cast<int>(text.size() / 4));
    alone.push_back(RowsOf(*engine, builder.Batch()));
  }
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<std::size_t> any(0, texts.size() - 1);
  for (int composition = 0; composition < compositions; ++composition) {
    // From lone sequences to batches of thousands of tokens.
    const int count = 1 + composition * composition / 50;
    builder.Clear();
    std::vector<std::size_t> picked;
    for (int i = 0; i < count; ++i) {
      const std::size_t text = any(random);
      if (builder.tokens() + static_cast<int>(texts[text].size()) > 4096) break;
      picked.push_back(text);
      builder.Add(texts[text], static_cast<int>(texts[text].size() / 4));
    }
    const std::vector<float> rows = RowsOf(*engine, builder.Batch());
    for (std::size_t row = 0; row < picked.size(); ++row) {
      ASSERT_EQ(
          std::memcmp(rows.data() + row * width, alone[picked[row]].data(), width * sizeof(float)),
          0)
          << Name(type) << ", composition " << composition << ", row " << row << " of "
          << picked.size() << ", length " << texts[picked[row]].size();
    }
  }
}

std::vector<int> ManyLengths() {
  std::vector<int> lengths = kLengths;
  for (int length = 4; length < 60; length += 3) lengths.push_back(length);
  return lengths;
}

TEST(CudaEngineTest, TheSameTextGivesTheSameBits) {
  EMBEDSERVE_NEED_DEVICE();
  for (const ComputeType type : kAllTypes) {
    RandomFolder model(EvenEncoder());
    model.SetPooling({PoolingMode::kMean, PoolingMode::kCls});
    model.AddDense(33, Activation::kTanh, /*bias=*/true, /*use_residual=*/true);
    CheckSameBits(model, type, ManyLengths(), 120);
    RandomFolder wide(WideEncoder());
    wide.SetPooling({PoolingMode::kCls});
    CheckSameBits(wide, type, ManyLengths(), 120);
    wide.SetPooling({PoolingMode::kWeightedMean});
    CheckSameBits(wide, type, ManyLengths(), 120);
  }
}

TEST(CudaEngineTest, TwoBatchesMayBeInFlight) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  const auto engine = MakeEngine(model.folder(), Options(ComputeType::kFp16));
  BatchBuilder first(model.folder().encoder), second(model.folder().encoder);
  first.Add(model.Ids(5));
  for (int i = 0; i < 100; ++i) second.Add(model.Ids(1 + i % 40));
  const std::vector<float> first_rows = RowsOf(*engine, first.Batch());
  const std::vector<float> second_rows = RowsOf(*engine, second.Batch());
  for (int repeat = 0; repeat < 20; ++repeat) {
    ASSERT_TRUE(engine->Submit(first.Batch()).ok());
    ASSERT_TRUE(engine->Submit(second.Batch()).ok());
    EXPECT_EQ(engine->Submit(first.Batch()).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Collected(*engine), first_rows);
    ASSERT_TRUE(engine->Submit(first.Batch()).ok());
    EXPECT_EQ(Collected(*engine), second_rows);
    while (!engine->Ready()) {
    }
    EXPECT_EQ(Collected(*engine), first_rows);
    EXPECT_EQ(engine->Collect().status().code(), absl::StatusCode::kFailedPrecondition);
  }
}

TEST(CudaEngineTest, AnEmptyBatchGivesNoRows) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  const auto engine = MakeEngine(model.folder(), Options(ComputeType::kFp16));
  EXPECT_TRUE(RowsOf(*engine, BatchBuilder(model.folder().encoder).Batch()).empty());
}

TEST(CudaEngineTest, TakesTheLargestBatchAndNoLarger) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  EngineOptions options = Options(ComputeType::kFp16);
  options.max_batch_tokens = 70;
  options.max_batch_sequences = 70;
  const auto engine = MakeEngine(model.folder(), options);
  BatchBuilder builder(model.folder().encoder);
  for (int i = 0; i < 70; ++i) builder.Add(model.Ids(1));
  const std::vector<float> rows = RowsOf(*engine, builder.Batch());
  EXPECT_TRUE(std::ranges::all_of(rows, [](float value) { return std::isfinite(value); }));
  builder.Add(model.Ids(1));
  EXPECT_EQ(engine->Submit(builder.Batch()).code(), absl::StatusCode::kResourceExhausted);
}

TEST(CudaEngineTest, NamesItsDevice) {
  EMBEDSERVE_NEED_DEVICE();
  RandomFolder model(EvenEncoder());
  const auto engine = MakeEngine(model.folder(), Options(ComputeType::kBf16));
  EXPECT_EQ(engine->compute_type(), ComputeType::kBf16);
  EXPECT_THAT(engine->device(), HasSubstr("cuda:0 ("));
}

TEST(CudaEngineTest, ADeviceThatIsNotThereIsRefusedWithTheReason) {
  RandomFolder model(EvenEncoder());
  const auto engine = NewCudaEngine(model.folder(), 4711, Options(ComputeType::kFp16));
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(engine.status().message(),
              testing::AnyOf(HasSubstr("cuda:4711"), HasSubstr("--device cpu")));
}

}  // namespace
}  // namespace embedserve
