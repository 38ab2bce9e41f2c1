#include "cli/options.h"

#include <set>

#include "gtest/gtest.h"

namespace embedserve {
namespace {

TEST(Command, EachHasANameAndASummaryOfItsOwn) {
  std::set<std::string_view> names, summaries;
  for (const Command command : kAllCommands) {
    EXPECT_FALSE(Name(command).empty());
    EXPECT_FALSE(Summary(command).empty());
    names.insert(Name(command));
    summaries.insert(Summary(command));
  }
  EXPECT_EQ(names.size(), std::size(kAllCommands));
  EXPECT_EQ(summaries.size(), std::size(kAllCommands));
}

}  // namespace
}  // namespace embedserve
