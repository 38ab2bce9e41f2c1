#include "model/output.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

constexpr OutputType kAllOutputTypes[] = {
    OutputType::kFloat32, OutputType::kFloat16, OutputType::kBFloat16, OutputType::kInt8,
    OutputType::kUint8,   OutputType::kBinary,  OutputType::kUbinary};

uint16_t Half(float value, OutputType type) {
  std::string bytes;
  EXPECT_TRUE(AppendRow(std::vector<float>{value}, type, bytes).ok()) << value;
  uint16_t half = 0;
  EXPECT_EQ(bytes.size(), sizeof half);
  std::memcpy(&half, bytes.data(), sizeof half);
  return half;
}

// Value of a binary16 pattern, from the definition of the format.
double HalfValue(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::vector<float> Finished(std::vector<float> row, const OutputOptions& options) {
  const std::span<float> left = FinishRow(row, options);
  return {left.begin(), left.end()};
}

TEST(OutputType, NamesRoundTrip) {
  for (const OutputType type : kAllOutputTypes) EXPECT_EQ(OutputTypeFromName(Name(type)), type);
  EXPECT_EQ(Name(OutputType::kBFloat16), "bfloat16");
  EXPECT_FALSE(OutputTypeFromName("float64").has_value());
  EXPECT_FALSE(OutputTypeFromName("").has_value());
}

TEST(OutputType, RowBytesPackBitsToWholeBytes) {
  EXPECT_EQ(RowBytes(OutputType::kFloat32, 384), 1536U);
  EXPECT_EQ(RowBytes(OutputType::kFloat16, 384), 768U);
  EXPECT_EQ(RowBytes(OutputType::kBFloat16, 3), 6U);
  EXPECT_EQ(RowBytes(OutputType::kInt8, 3), 3U);
  EXPECT_EQ(RowBytes(OutputType::kUint8, 3), 3U);
  EXPECT_EQ(RowBytes(OutputType::kBinary, 8), 1U);
  EXPECT_EQ(RowBytes(OutputType::kUbinary, 9), 2U);
}

// The expected rows are what encode() gives for a folder with or without Normalize.
TEST(FinishRow, UnsetLeavesItToTheFolder) {
  EXPECT_EQ(Finished({3, 4}, {}), (std::vector<float>{3, 4}));
  EXPECT_THAT(Finished({3, 4}, {.folder_normalizes = true}),
              ElementsAre(FloatEq(0.6f), FloatEq(0.8f)));
}

TEST(FinishRow, CutAfterTheFoldersNormalizeIsNotRenormalised) {
  EXPECT_THAT(Finished({3, 4}, {.folder_normalizes = true, .dimensions = 1}),
              ElementsAre(FloatEq(0.6f)));
}

TEST(FinishRow, TrueNormalisesAfterTheCut) {
  for (const bool folder_normalizes : {false, true}) {
    EXPECT_THAT(
        Finished({3, 4, 12},
                 {.folder_normalizes = folder_normalizes, .normalize = true, .dimensions = 2}),
        ElementsAre(FloatEq(0.6f), FloatEq(0.8f)));
  }
}

TEST(FinishRow, FalseLeavesOutTheFoldersNormalize) {
  EXPECT_EQ(Finished({3, 4, 12}, {.folder_normalizes = true, .normalize = false, .dimensions = 2}),
            (std::vector<float>{3, 4}));
}

TEST(AppendRow, WritesFloat32AsItIsAfterWhatIsThere) {
  std::string bytes = "x";
  ASSERT_TRUE(AppendRow(std::vector<float>{1.0f, -2.0f}, OutputType::kFloat32, bytes).ok());
  EXPECT_EQ(bytes, std::string("x\0\0\x80\x3f\0\0\0\xc0", 9));
}

TEST(AppendRow, Float16KeepsEveryHalf) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if ((half & 0x7c00) == 0x7c00) continue;  // infinity, NaN
    ASSERT_EQ(Half(static_cast<float>(HalfValue(half)), OutputType::kFloat16), half);
  }
}

// Between two neighbours the nearer wins, and halfway the even one; tried at both sides of every
// halfway point.
TEST(AppendRow, Float16RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto low = static_cast<uint16_t>(bits);
    const auto high = static_cast<uint16_t>(bits + 1);
    const auto halfway = static_cast<float>((HalfValue(low) + HalfValue(high)) / 2);
    const uint16_t even = low % 2 == 0 ? low : high;
    ASSERT_EQ(Half(halfway, OutputType::kFloat16), even) << halfway;
    ASSERT_EQ(Half(-halfway, OutputType::kFloat16), even | 0x8000) << halfway;
    ASSERT_EQ(Half(std::nextafter(halfway, 0.0f), OutputType::kFloat16), low) << halfway;
    ASSERT_EQ(Half(std::nextafter(halfway, 1e6f), OutputType::kFloat16), high) << halfway;
  }
}

TEST(AppendRow, Float16FlushesWhatIsBelowHalfItsSmallestValue) {
  EXPECT_EQ(Half(std::numeric_limits<float>::denorm_min(), OutputType::kFloat16), 0);
  EXPECT_EQ(Half(-1e-20f, OutputType::kFloat16), 0x8000);
}

TEST(AppendRow, BFloat16RoundsToNearestEven) {
  const auto rounded = [](uint32_t bits) {
    return Half(std::bit_cast<float>(bits), OutputType::kBFloat16);
  };
  EXPECT_EQ(rounded(0x3f800000), 0x3f80);
  EXPECT_EQ(rounded(0x3f808000), 0x3f80);  // halfway, the lower is even
  EXPECT_EQ(rounded(0x3f818000), 0x3f82);  // halfway, the upper is even
  EXPECT_EQ(rounded(0x3f808001), 0x3f81);
  EXPECT_EQ(rounded(0xbf807fff), 0xbf80);
  EXPECT_EQ(rounded(0x3fffffff), 0x4000);  // the carry reaches the exponent
  EXPECT_EQ(rounded(0x00000001), 0x0000);
}

TEST(AppendRow, RefusesWhatIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::string bytes = "kept";
    const absl::Status status =
        AppendRow(std::vector<float>{0, 1, bad}, OutputType::kFloat32, bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("value 2"));
    EXPECT_EQ(bytes, "kept");
  }
}

TEST(AppendRow, RefusesWhatTheTypeCannotHold) {
  std::string bytes;
  EXPECT_EQ(Half(65519.0f, OutputType::kFloat16), 0x7bff);  // rounds down to the largest half
  const absl::Status status =
      AppendRow(std::vector<float>{1, 65520.0f}, OutputType::kFloat16, bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("value 1"));
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(
      AppendRow(std::vector<float>{std::numeric_limits<float>::max()}, OutputType::kBFloat16, bytes)
          .code(),
      absl::StatusCode::kFailedPrecondition);
}

TEST(AppendRow, RefusesTypesThatAreNotServedYet) {
  for (const OutputType type :
       {OutputType::kInt8, OutputType::kUint8, OutputType::kBinary, OutputType::kUbinary}) {
    std::string bytes;
    const absl::Status status = AppendRow(std::vector<float>{1}, type, bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(Name(type))));
  }
}

}  // namespace
}  // namespace embedserve
