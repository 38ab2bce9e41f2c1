#include "model/tokenizer/serde_number.h"

#include <gtest/gtest.h>

namespace embedserve {
namespace {

TEST(SerdeNumberTest, ShortNumbersAreTheNearestDoubles) {
  EXPECT_EQ(SerdeNumber("0.5"), 0.5);
  EXPECT_EQ(SerdeNumber("-2.25"), -2.25);
  EXPECT_EQ(SerdeNumber("1e3"), 1000);
  EXPECT_EQ(SerdeNumber("1.5E-2"), 0.015);
  EXPECT_EQ(SerdeNumber("-0.0"), 0);
}

// Rounded twice: these are 17-digit numbers whose nearest double is another.
TEST(SerdeNumberTest, LongNumbersAreRoundedTwice) {
  EXPECT_EQ(SerdeNumber("-12.015508651733398"), -12015508651733398.0 / 1e15);
  EXPECT_EQ(SerdeNumber("-9.9999999999999999"), -99999999999999999.0 / 1e16);
}

TEST(SerdeNumberTest, DigitsBeyond64BitsDoNotCount) {
  EXPECT_EQ(SerdeNumber("0.12345678901234567890123"), 12345678901234567890.0 / 1e20);
  EXPECT_EQ(SerdeNumber("123456789012345678901234"), 12345678901234567890.0 * 1e4);
  EXPECT_EQ(SerdeNumber("1234567890123456789012.5e1"), 12345678901234567890.0 * 1e3);
}

TEST(SerdeNumberTest, SmallNumbersEndInZero) {
  EXPECT_EQ(SerdeNumber("1e-400"), 0);
  EXPECT_EQ(SerdeNumber("1e-310"), 1.0 / 1e308 / 1e2);
}

}  // namespace
}  // namespace embedserve
