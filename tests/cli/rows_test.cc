#include "cli/rows.h"

#include "gtest/gtest.h"

namespace embedserve {
namespace {

Rows FloatRows(const std::vector<float>& values, int dimensions) {
  Rows rows{"", static_cast<int>(values.size()) / dimensions, dimensions, OutputType::kFloat32};
  rows.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return rows;
}

TEST(JsonLines, OneArrayALineInShortestDecimals) {
  EXPECT_EQ(JsonLines(FloatRows({0.1f, -2, 1e-20f, 0}, 2)), "[0.1, -2]\n[1e-20, 0]\n");
}

TEST(ToFloat, ReadsEveryFloatTypeExactly) {
  const std::vector<float> values = {0.0f, -1.5f, 0.000061035156f, 65504.0f, 5.9604645e-8f};
  for (const OutputType type :
       {OutputType::kFloat32, OutputType::kFloat16, OutputType::kBFloat16}) {
    Rows rows{"", 1, static_cast<int>(values.size()), type};
    ASSERT_TRUE(AppendRow(values, type, rows.bytes).ok());
    std::vector<float> expected = values;
    if (type == OutputType::kBFloat16) expected[3] = 65536.0f;  // 8 bits of mantissa
    EXPECT_EQ(ToFloat(rows), expected) << Name(type);
  }
}

}  // namespace
}  // namespace embedserve
