#include "model/engine/cores.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using testing::Optional;

class CpuQuotaTest : public testing::Test {
 protected:
  void Write(std::string_view path, std::string_view contents) {
    const std::filesystem::path file = directory_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << contents;
  }
  std::optional<double> Quota(std::string_view membership) {
    return CpuQuota(directory_.path(), membership);
  }

  TemporaryDirectory directory_;
};

TEST_F(CpuQuotaTest, NothingBinds) {
  EXPECT_EQ(Quota("0::/"), std::nullopt);
  EXPECT_EQ(Quota(""), std::nullopt);
  EXPECT_EQ(Quota("garbage\n::"), std::nullopt);
  Write("cpu.max", "max 100000\n");
  EXPECT_EQ(Quota("0::/\n"), std::nullopt);
}

TEST_F(CpuQuotaTest, Version2ReadsTheGroupAndItsAncestors) {
  Write("kube/pod/cpu.max", "250000 100000\n");
  EXPECT_THAT(Quota("0::/kube/pod\n"), Optional(2.5));
  Write("kube/cpu.max", "150000 100000\n");
  EXPECT_THAT(Quota("0::/kube/pod\n"), Optional(1.5));
  EXPECT_EQ(Quota("0::/other\n"), std::nullopt);
}

// In a container the path in /proc may lie outside what is mounted: the mount is the own group.
TEST_F(CpuQuotaTest, Version2OwnGroupMountedAsTheRoot) {
  Write("cpu.max", "50000 100000\n");
  EXPECT_THAT(Quota("0::/../../not/seen/from/here\n"), Optional(0.5));
}

TEST_F(CpuQuotaTest, Version1ReadsTheCpuControllersGroup) {
  Write("cpu/docker/abc/cpu.cfs_quota_us", "300000\n");
  Write("cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  Write("cpu/docker/cpu.cfs_quota_us", "-1\n");
  Write("cpu/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(Quota("9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n"), Optional(3.0));
  EXPECT_THAT(Quota("4:cpuacct,cpu:/docker/abc\n"), Optional(3.0));
  EXPECT_EQ(Quota("3:cpuset:/docker/abc\n4:cpuacct:/docker/abc\n"), std::nullopt);
}

TEST(UsableCoresTest, IsBetweenOneAndTheMachines) {
  EXPECT_GE(UsableCores(), 1);
  EXPECT_LE(UsableCores(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace embedserve
