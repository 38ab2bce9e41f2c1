#include "cli/option_value.h"

#include "gtest/gtest.h"

namespace embedserve {
namespace {

TEST(ParseInteger, TakesTheWholeText) {
  EXPECT_EQ(ParseInteger("-12"), -12);
  for (const std::string_view bad : {"", " 1", "1 ", "1.0", "0x10", "+1", "99999999999999999999"}) {
    EXPECT_FALSE(ParseInteger(bad).has_value()) << bad;
  }
}

TEST(ParseNumber, TakesFiniteNumbersOnly) {
  EXPECT_EQ(ParseNumber("-1.5e2"), -150);
  for (const std::string_view bad : {"", "inf", "nan", "1e999", "1,5", "1 "}) {
    EXPECT_FALSE(ParseNumber(bad).has_value()) << bad;
  }
}

TEST(ParseBytes, UnitsArePowersOf1024) {
  EXPECT_EQ(ParseBytes("4096"), 4096);
  EXPECT_EQ(ParseBytes("64KiB"), 65536);
  EXPECT_EQ(ParseBytes("4MiB"), 4194304);
  EXPECT_EQ(ParseBytes("2GiB"), int64_t{2} << 30);
  for (const std::string_view bad : {"", "KiB", "4MB", "4 MiB", "1.5MiB", "9999999999GiB"}) {
    EXPECT_FALSE(ParseBytes(bad).has_value()) << bad;
  }
}

TEST(ParseSeconds, TakesAUnitOrSeconds) {
  EXPECT_EQ(ParseSeconds("10"), 10);
  EXPECT_EQ(ParseSeconds("10s"), 10);
  EXPECT_EQ(ParseSeconds("250ms"), 0.25);
  EXPECT_EQ(ParseSeconds("2min"), 120);
  EXPECT_DOUBLE_EQ(ParseSeconds("5us").value(), 5e-6);
  for (const std::string_view bad : {"", "s", "1h", "1 s", "one"}) {
    EXPECT_FALSE(ParseSeconds(bad).has_value()) << bad;
  }
}

TEST(OptionValue, RangesIncludeTheirEnds) {
  Options options;
  const OptionValue value = Integer(&Options::threads, 1, 8);
  EXPECT_TRUE(value.read("1", options));
  EXPECT_TRUE(value.read("8", options));
  EXPECT_EQ(options.threads, 8);
  EXPECT_FALSE(value.read("0", options));
  EXPECT_FALSE(value.read("9", options));
  EXPECT_EQ(options.threads, 8) << "a refused value changes nothing";
  EXPECT_EQ(value.allowed, "an integer from 1 to 8");
}

}  // namespace
}  // namespace embedserve
