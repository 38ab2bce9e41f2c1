#include "cli/option_table.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

TEST(OptionTable, NamesAreDistinctAndEveryDefaultIsAllowed) {
  std::set<std::string_view> names;
  for (const OptionRow& row : OptionTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_THAT(row.help, Not(IsEmpty())) << row.name;
    EXPECT_FALSE(row.name.starts_with("port") || row.name.starts_with("service-"))
        << row.name << ": Kubernetes sets a variable of that name";
    Options options;
    if (!row.default_value.empty()) {
      EXPECT_TRUE(row.value.read(row.default_value, options)) << row.name;
    }
  }
}

TEST(OptionTable, VariableNames) {
  EXPECT_EQ(VariableName("max-batch-tokens"), "EMBEDSERVE_MAX_BATCH_TOKENS");
  EXPECT_EQ(FindOption("no-such-option"), nullptr);
}

}  // namespace
}  // namespace embedserve
