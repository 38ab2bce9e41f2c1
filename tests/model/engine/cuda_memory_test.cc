#include "model/engine/cuda_memory.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/stream.h"
#include "model/engine/cuda_engine.h"
#include "model/engine/cuda_input.h"
#include "tests/kernels/require_device.h"
#include "tests/model/engine/random_folder.h"

namespace embedserve {
namespace {

using testing::HasSubstr;

constexpr int kMultiprocessors = 132;
constexpr int kSequences = 256;

// Every array is a multiple of 256 bytes, the step of an Arena: sums that a hand can check.
EncoderConfig SmallEncoder() {
  EncoderConfig config;
  config.model_type = "bert";
  config.layers = 2;
  config.hidden = 128;
  config.heads = 4;
  config.head_size = 32;
  config.feed_forward = 512;
  config.vocabulary = 1000;
  config.positions = 512;
  config.token_types = 2;
  config.layer_norm_eps = 1e-12F;
  return config;
}

class CudaMemoryTest : public testing::Test {
 protected:
  CudaMemoryTest() { folder().max_sequence_length = 512; }

  ModelFolder& folder() { return model_.folder(); }
  static EngineOptions Options(std::size_t limit, int tokens = 0) {
    return {.compute_type = ComputeType::kFp16,
            .max_batch_tokens = tokens,
            .max_batch_sequences = kSequences,
            .gpu_memory_limit = limit};
  }
  CudaMemory Of(int tokens) {
    return CudaMemory::Of(folder(), CudaWeights::Shapes(folder(), ComputeType::kFp16),
                          kernels::DType::kFp16, {tokens, kSequences});
  }
  int TokensWithin(std::size_t limit) {
    const auto limits = LimitsWithinMemory(folder(), Options(limit), kMultiprocessors);
    EXPECT_TRUE(limits.ok()) << limits.status();
    return limits.ok() ? limits->tokens : 0;
  }
  // Two in flight at a time.
  void RunRandomBatches(Engine& engine) {
    std::mt19937 random(7);
    BatchBuilder builders[] = {BatchBuilder(folder().encoder), BatchBuilder(folder().encoder)};
    for (int i = 0; i < 200; ++i) {
      for (BatchBuilder& builder : builders) {
        ASSERT_TRUE(engine.Submit(RandomBatch(random, engine.limits(), builder)).ok());
      }
      ASSERT_TRUE(engine.Collect().ok());
      ASSERT_TRUE(engine.Collect().ok());
    }
  }
  // In every form.
  static void RunScores(Scorer& scorer, int width) {
    const std::vector<float> rows(2 * static_cast<std::size_t>(width), 1);
    std::vector<float> scores(4);
    std::vector<uint32_t> columns(2);
    const std::span<float> two = std::span(scores).first(2);
    for (const SimilarityFunction function : kAllSimilarityFunctions) {
      ASSERT_TRUE(scorer.Pairs(function, rows, rows, width, two).ok());
      ASSERT_TRUE(scorer.Matrix(function, rows, rows, width, scores).ok());
      ASSERT_TRUE(scorer.Best(function, rows, rows, width, 1, two, columns).ok());
    }
  }

 private:
  PackedBatch RandomBatch(std::mt19937& random, BatchLimits limits, BatchBuilder& builder) {
    builder.Clear();
    const int most = std::uniform_int_distribution(1, limits.tokens)(random);
    const int longest = std::uniform_int_distribution(1, 512)(random);
    std::uniform_int_distribution<int> length(1, longest);
    do {
      const int count = length(random);
      if (builder.tokens() + count > limits.tokens) break;
      builder.Add(model_.Ids(count));
    } while (builder.tokens() < most && builder.sequences() < limits.sequences);
    return builder.Batch();
  }

  RandomFolder model_{SmallEncoder()};
};

TEST_F(CudaMemoryTest, CountsEveryPart) {
  const CudaMemory memory = Of(512);
  // fp16: tables, and a layer's products with the biases they add; fp32: norms and other biases.
  const std::size_t h = 128, f = 512;
  const std::size_t tables = 2 * (1000 + 512) * h + 4 * 2 * h;
  const std::size_t layer = 2 * (3 * h * h + 3 * h + h * h + h * f + f + f * h) + 4 * (6 * h);
  EXPECT_EQ(memory.weights, tables + 2 * layer);
  EXPECT_EQ(memory.workspaces, 2u * kernels::kGemmWorkspaceBytes);
  const std::size_t activations = 2 * 512 * (3 * h + f), rows = 4 * kSequences * h;
  EXPECT_EQ(memory.batches,
            2 * (CudaInputSize::Most(512, kSequences).bytes() + activations + rows));
  // The largest product's 16 copies, its input, and its result twice; never below the staging.
  EXPECT_EQ(memory.loading, CudaWeights::kStagingBytes);
  EXPECT_EQ(Of(8192).loading, 2 * (8192 * (h + 2 * f) + 16 * h * f + f) + 256);
  // 1024 rows of both sides, all their scores, and the best 1024 of each with their columns.
  EXPECT_EQ(memory.scoring, 1024 * 4 * (2 * h + 3 * 1024));
  EXPECT_EQ(memory.held(), memory.weights + memory.workspaces + memory.batches + memory.scoring);
  EXPECT_EQ(memory.most(), memory.weights + memory.workspaces +
                               std::max(memory.batches + memory.scoring, memory.loading));
}

TEST_F(CudaMemoryTest, BatchesShrinkToTheLimit) {
  const int suits = TokensWithin(0);
  EXPECT_EQ(TokensWithin(Of(suits).most()), suits);
  EXPECT_EQ(TokensWithin(Of(suits).most() - 1), (suits - 1) / 128 * 128);
  EXPECT_EQ(TokensWithin(Of(1280).most()), 1280);
  EXPECT_EQ(TokensWithin(Of(1408).most() - 1), 1280);
}

TEST_F(CudaMemoryTest, ALimitThatIsTooSmallIsRefusedWithValueAndNeed) {
  const std::size_t need = Of(512).most();
  const auto refused = LimitsWithinMemory(folder(), Options(need - 1), kMultiprocessors);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("--gpu-memory-limit is " + std::to_string(need - 1) + " bytes"),
                    HasSubstr("batches of 512 tokens need " + std::to_string(need))));
}

TEST_F(CudaMemoryTest, AGivenBatchIsNotShrunk) {
  const std::size_t need = Of(4000).most();
  const auto fits = LimitsWithinMemory(folder(), Options(need, 4000), kMultiprocessors);
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_EQ(fits->tokens, 4000);
  const auto refused = LimitsWithinMemory(folder(), Options(need - 1, 4000), kMultiprocessors);
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("batches of 4000 tokens"), HasSubstr("lower --max-batch-tokens")));
}

TEST_F(CudaMemoryTest, AnEngineTakesWhatWasComputedAndStaysWithinItsLimit) {
  EMBEDSERVE_NEED_DEVICE();
  for (const std::size_t limit : {std::size_t{0}, Of(2000).most(), Of(512).most()}) {
    const std::size_t before = kernels::MeasureDeviceMemory().bytes;
    kernels::ResetMostDeviceBytes();
    const auto engine = NewCudaEngine(folder(), 0, Options(limit));
    ASSERT_TRUE(engine.ok()) << engine.status();
    const CudaMemory computed = Of((*engine)->limits().tokens);
    const kernels::DeviceMemoryUse after = kernels::MeasureDeviceMemory();
    EXPECT_EQ(after.bytes - before, computed.held());
    EXPECT_LE(after.most_bytes - before, computed.most());
    EXPECT_TRUE(limit == 0 || computed.most() <= limit);
    EXPECT_THAT((*engine)->memory(), HasSubstr("weights 1."));
  }
  const auto refused = NewCudaEngine(folder(), 0, Options(1 << 20));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
}

// The free memory is the card's: a program that starts beside this test takes some of it, in steps
// of 64 KiB while its context grows. A kernel loaded late shows where it does not fit into what
// CUDA holds in reserve.
TEST_F(CudaMemoryTest, NothingIsTakenOnceAnEngineIsReady) {
  EMBEDSERVE_NEED_DEVICE();
  kernels::Stream stream(0);
  // Of the second every product of the last layer and of the head has a row a sequence.
  RandomFolder with_head(SmallEncoder());
  with_head.folder().max_sequence_length = 512;
  with_head.SetPooling({PoolingMode::kCls});
  with_head.AddDense(96, Activation::kTanh, true, true);
  for (const ModelFolder* each : {&folder(), &with_head.folder()}) {
    for (const ComputeType type : {ComputeType::kFp16, ComputeType::kFp32}) {
      EngineOptions options = Options(0);
      options.compute_type = type;
      const auto engine = NewCudaEngine(*each, 0, options);
      ASSERT_TRUE(engine.ok()) << engine.status();
      const int64_t allocations = kernels::MeasureDeviceMemory().allocations;
      const std::size_t free = kernels::FreeDeviceMemory(stream);
      RunScores(*(*engine)->scorer(), (*engine)->width());
      EXPECT_EQ(kernels::FreeDeviceMemory(stream), free) << Name(type) << ", scores";
      RunRandomBatches(**engine);
      EXPECT_EQ(kernels::MeasureDeviceMemory().allocations, allocations);
      EXPECT_EQ(kernels::FreeDeviceMemory(stream), free) << Name(type);
    }
  }
  ASSERT_TRUE(stream.ok()) << stream.error();
}

}  // namespace
}  // namespace embedserve
