#include "model/devices.h"

#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/engine/random_folder.h"
#include "tests/model/tiny_bert.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A machine with GPUs of these compute capabilities.
kernels::DriverAnswer Machine(const std::vector<int>& capabilities) {
  kernels::DriverAnswer answer{
      .built_with_cuda = true, .runtime_version = 13000, .driver_version = 13000};
  for (const int capability : capabilities) {
    const auto ordinal = static_cast<int>(answer.devices.size());
    answer.devices.push_back({.ordinal = ordinal,
                              .name = "Card " + std::to_string(ordinal),
                              .compute_capability = capability,
                              .memory_bytes = std::size_t{80} << 30});
  }
  return answer;
}

std::vector<std::string> Names(std::string_view list, const kernels::DriverAnswer& answer) {
  const auto choice = ChooseDevices(list, answer);
  EXPECT_TRUE(choice.ok()) << choice.status();
  return choice.ok() ? choice->names : std::vector<std::string>();
}

std::string Refusal(std::string_view list, const kernels::DriverAnswer& answer) {
  const auto choice = ChooseDevices(list, answer);
  EXPECT_EQ(choice.status().code(), absl::StatusCode::kFailedPrecondition) << list;
  return std::string(choice.status().message());
}

TEST(DeviceList, Syntax) {
  for (const std::string_view list : {"auto", "cpu", "cuda", "cuda:0", "cuda:1,0", "cuda:10,2,7"}) {
    EXPECT_TRUE(IsDeviceList(list)) << list;
  }
  for (const std::string_view list :
       {"", "gpu", "cuda:", "cuda:,", "cuda:0,", "cuda:,0", "cuda:0,,1", "cuda:0,0", "cuda:-1",
        "cuda:0 ,1", "cuda:0, 1", "cuda:0;1", "cuda:x", "cuda:0x1", "cuda:99999999999", "CUDA:0",
        "cuda0", "cuda:0,cuda:1", "cpu,cuda:0"}) {
    EXPECT_FALSE(IsDeviceList(list)) << list;
  }
}

TEST(ChooseDevices, NamesAreTakenInTheirOrder) {
  EXPECT_THAT(Names("cpu", Machine({90})), ElementsAre("cpu"));
  EXPECT_THAT(Names("cuda:1", Machine({90, 90})), ElementsAre("cuda:1"));
  EXPECT_THAT(Names("cuda:0,1", Machine({90, 90})), ElementsAre("cuda:0", "cuda:1"));
  EXPECT_THAT(Names("cuda:2,0", Machine({90, 90, 80})), ElementsAre("cuda:2", "cuda:0"));
}

TEST(ChooseDevices, AutoAndCudaTakeTheFirstThatCanBeUsed) {
  for (const std::string_view list : {"auto", "cuda"}) {
    EXPECT_THAT(Names(list, Machine({90})), ElementsAre("cuda:0"));
    EXPECT_THAT(Names(list, Machine({75, 80})), ElementsAre("cuda:1"));
    EXPECT_EQ(ChooseDevices(list, Machine({75, 80}))->note, "");
    EXPECT_THAT(ChooseDevices(list, Machine({90, 75, 90}))->note, HasSubstr("--device cuda:0,2 "));
  }
}

TEST(ChooseDevices, WithoutAGpuAutoIsTheCpuAndSaysWhy) {
  const auto choice = ChooseDevices("auto", kernels::DriverAnswer{.built_with_cuda = true});
  ASSERT_TRUE(choice.ok());
  EXPECT_THAT(choice->names, ElementsAre("cpu"));
  EXPECT_THAT(choice->note, HasSubstr("no NVIDIA driver"));
}

TEST(ChooseDevices, RefusalsSayWhatThereIs) {
  EXPECT_THAT(Refusal("cuda:0,2", Machine({90, 80})),
              AllOf(HasSubstr("--device is \"cuda:0,2\""), HasSubstr("there is no cuda:2"),
                    HasSubstr("cuda:0 Card 0"), HasSubstr("cuda:1 Card 1")));
  EXPECT_THAT(Refusal("cuda:0", Machine({75, 80})),
              AllOf(HasSubstr("too old"), HasSubstr("cuda:1 Card 1, compute capability 8.0")));
  EXPECT_THAT(Refusal("cuda:0,1", Machine({75})), HasSubstr("--device cpu"));
  EXPECT_THAT(Refusal("cuda", kernels::DriverAnswer{}), HasSubstr("built without CUDA"));
}

TEST(ChooseComputeType, DependsOnTheDeviceAndOnTheWeights) {
  RandomFolder model(EvenEncoder());
  EXPECT_EQ(ChooseComputeType(model.folder(), "cpu", {})->type, ComputeType::kFp32);
  EXPECT_EQ(ChooseComputeType(model.folder(), "cuda:1", {})->type, ComputeType::kFp16);
  EXPECT_EQ(ChooseComputeType(model.folder(), "cuda:1", {})->note, "");
  const std::vector<float> large(static_cast<std::size_t>(model.folder().encoder.hidden), 1e5F);
  model.folder().weights.layers[0].query.bias.bytes = std::as_bytes(std::span(large));
  EXPECT_EQ(ChooseComputeType(model.folder(), "cpu", {})->type, ComputeType::kFp32);
  const ComputeTypeChoice choice = *ChooseComputeType(model.folder(), "cuda:0", {});
  EXPECT_EQ(choice.type, ComputeType::kBf16);
  EXPECT_THAT(choice.note, HasSubstr("bf16, for fp16 does not suffice: tensor"));
}

TEST(ChooseComputeType, WhatIsAskedForIsTakenOrRefusedByTheWeightsName) {
  RandomFolder model(EvenEncoder());
  const auto fp16 = ChooseComputeType(model.folder(), "cuda:0", ComputeType::kFp16);
  ASSERT_TRUE(fp16.ok()) << fp16.status();
  EXPECT_EQ(fp16->type, ComputeType::kFp16);
  std::vector<float> large(static_cast<std::size_t>(model.folder().encoder.hidden), 1e5F);
  TensorView& bias = model.folder().weights.layers[0].query.bias;
  bias.name = "query.bias";
  bias.bytes = std::as_bytes(std::span(large));
  const auto refused = ChooseComputeType(model.folder(), "cuda:0", ComputeType::kFp16);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("tensor query.bias has a value of magnitude 100000"));
  for (const ComputeType type : {ComputeType::kFp32, ComputeType::kBf16}) {
    EXPECT_EQ(ChooseComputeType(model.folder(), "cuda:0", type)->type, type);
  }
}

class NewEnginesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto model = LoadTinyBert();
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }
  std::unique_ptr<const Model> model_;
};

TEST_F(NewEnginesTest, OneADeviceAsTheOptionsSay) {
  const std::vector<std::string> devices = {"cpu", "cpu"};
  for (const auto type : {ComputeType::kFp32, ComputeType::kBf16}) {
    const auto engines =
        NewEngines(*model_, devices, {.threads = 1, .compute_type = type, .max_batch_tokens = 0});
    ASSERT_TRUE(engines.ok()) << engines.status();
    ASSERT_EQ(engines->size(), 2U);
    for (const auto& engine : *engines) {
      EXPECT_EQ(engine->compute_type(), type);
      EXPECT_GE(engine->limits().tokens, model_->folder().max_sequence_length);
    }
  }
}

TEST_F(NewEnginesTest, AnErrorOfOneIsTheErrorOfAll) {
  const std::vector<std::string> devices = {"cpu", "tpu:0"};
  EXPECT_THAT(NewEngines(*model_, devices, {}).status().message(), HasSubstr("tpu:0"));
}

}  // namespace
}  // namespace embedserve
