#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "model/folder/tensor_file.h"

namespace embedserve {
namespace {

// A tensor whose bytes begin `misalignment` bytes behind an aligned address.
template <typename Word>
struct Owned {
  Owned(TensorType type, const std::vector<Word>& words, std::size_t misalignment = 0)
      : storage(words.size() * sizeof(Word) + misalignment) {
    std::memcpy(storage.data() + misalignment, words.data(), words.size() * sizeof(Word));
    view.type = type;
    view.shape = {static_cast<int64_t>(words.size())};
    view.bytes = std::span<const std::byte>(storage).subspan(misalignment);
  }
  std::vector<std::byte> storage;
  TensorView view;
};

std::vector<uint16_t> All16BitPatterns() {
  std::vector<uint16_t> patterns(65536);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<uint16_t>(i);
  return patterns;
}

// The definition of binary16, in double: exact.
double Half(unsigned bits) {
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const int mantissa = static_cast<int>(bits & 1023);
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent < 31) return sign * std::ldexp(1024 + mantissa, exponent - 25);
  return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                       : std::numeric_limits<double>::quiet_NaN();
}

TEST(TensorViewTest, EveryHalfIsExact) {
  const Owned<uint16_t> tensor(TensorType::kF16, All16BitPatterns(), 1);
  const std::vector<float> values = tensor.view.ToFloat();
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const double expected = Half(bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(values[bits])) << bits;
    } else {
      EXPECT_EQ(values[bits], expected) << bits;
      EXPECT_EQ(std::signbit(values[bits]), (bits & 0x8000) != 0) << bits;
    }
  }
}

TEST(TensorViewTest, EveryBFloat16IsTheUpperHalfOfAFloat) {
  const Owned<uint16_t> tensor(TensorType::kBF16, All16BitPatterns(), 3);
  const std::vector<float> values = tensor.view.ToFloat();
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    EXPECT_EQ(std::bit_cast<uint32_t>(values[bits]), bits << 16) << bits;
  }
}

TEST(TensorViewTest, ConvertsAnyPart) {
  const Owned<float> tensor(TensorType::kF32, {0, 1, 2, 3, 4, 5, 6}, 1);
  EXPECT_EQ(tensor.view.size(), 7u);
  std::vector<float> part(3);
  tensor.view.ToFloat(2, part);
  EXPECT_THAT(part, testing::ElementsAre(2, 3, 4));
  tensor.view.ToFloat(7, {});
}

TEST(TensorViewTest, FindsTheFirstNonFiniteElement) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t size : {1u, 17u, 4096u, 4097u, 20000u}) {
    std::vector<float> values(size, std::numeric_limits<float>::max());
    EXPECT_EQ(Owned(TensorType::kF32, values).view.FirstNonFinite(0, size), std::nullopt);
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      for (const float bad : {kInfinity, -kInfinity, kNan, -kNan}) {
        values.assign(size, -1.0f);
        values[at] = bad;
        values[size - 1] = at == size - 1 ? bad : kNan;
        const Owned<float> tensor(TensorType::kF32, values, 1);
        EXPECT_EQ(tensor.view.FirstNonFinite(0, size), at);
        EXPECT_EQ(tensor.view.FirstNonFinite(at, size - at), at);
        EXPECT_EQ(tensor.view.FirstNonFinite(0, at), std::nullopt);
      }
    }
  }
}

TEST(TensorViewTest, KnowsTheNonFiniteOfBothHalfTypes) {
  for (const auto& [type, largest, infinity] :
       {std::tuple{TensorType::kF16, 0x7bff, 0x7c00}, {TensorType::kBF16, 0x7f7f, 0x7f80}}) {
    std::vector<uint16_t> words(100, static_cast<uint16_t>(largest | 0x8000));
    EXPECT_EQ(Owned(type, words).view.FirstNonFinite(0, 100), std::nullopt);
    words[40] = static_cast<uint16_t>(infinity);
    EXPECT_EQ(Owned(type, words).view.FirstNonFinite(0, 100), 40u);
    words[40] = static_cast<uint16_t>(infinity | 0x8001);
    EXPECT_EQ(Owned(type, words).view.FirstNonFinite(1, 99), 40u);
  }
}

TEST(TensorViewTest, TypesHaveTheFormatsNames) {
  EXPECT_EQ(Name(TensorType::kF32), "F32");
  EXPECT_EQ(Name(TensorType::kF16), "F16");
  EXPECT_EQ(Name(TensorType::kBF16), "BF16");
  EXPECT_EQ(ByteSize(TensorType::kF32), 4u);
  EXPECT_EQ(ByteSize(TensorType::kF16), 2u);
  EXPECT_EQ(ByteSize(TensorType::kBF16), 2u);
}

}  // namespace
}  // namespace embedserve
