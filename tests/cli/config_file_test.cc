#include "cli/config_file.h"

#include <filesystem>
#include <fstream>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/read_command_line.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ConfigFileTest : public ::testing::Test {
 public:
  ~ConfigFileTest() override { std::filesystem::remove(path_); }

 protected:
  std::string Write(std::string_view text) {
    std::ofstream(path_) << text;
    return path_;
  }

 private:
  std::string path_ = ::testing::TempDir() + "config_file_test_" +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".toml";
};

TEST_F(ConfigFileTest, FlagThenVariableThenSectionThenFileThenDefault) {
  const std::string path = Write(
      "# a comment\nthreads = 1\nmodel = \"some folder\"\nlisten = '127.0.0.1:1'\n"
      "[serve]\nlisten = \"127.0.0.1:2\"\ninsecure = true\n[encode]\nthreads = 9\n");
  const Environment variables = {{"EMBEDSERVE_DTYPE", "bf16"}, {"EMBEDSERVE_THREADS", "3"}};
  const Options options = Accepted({"serve", "--config", path, "--threads", "4"}, variables);
  EXPECT_EQ(options.threads, 4);
  EXPECT_EQ(options.dtype, ComputeType::kBf16);
  EXPECT_EQ(options.serve.listen, "127.0.0.1:2");
  EXPECT_EQ(options.model, "some folder");
  EXPECT_TRUE(options.insecure);
  EXPECT_EQ(options.device, "auto");
  EXPECT_EQ(Accepted({"serve", "--config", path}, variables).threads, 3);
  EXPECT_EQ(Accepted({"serve"}, {{"EMBEDSERVE_CONFIG", path}}).threads, 1);
  EXPECT_EQ(Accepted({"encode", "--config", path}).threads, 9);
}

TEST_F(ConfigFileTest, ErrorsNameFileAndKey) {
  EXPECT_THAT(Refused({"serve", "--config", Write("therads = 1\n")}),
              AllOf(HasSubstr(".toml: therads"), HasSubstr("no option")));
  EXPECT_THAT(Refused({"serve", "--config", Write("[sreve]\nthreads = 1\n")}),
              HasSubstr("[sreve] is no command"));
  EXPECT_THAT(Refused({"serve", "--config", Write("[encode]\nlisten = \"x\"\n")}),
              HasSubstr("[encode] listen is no option of `embedserve encode`"));
  EXPECT_THAT(Refused({"serve", "--config", Write("dtype = \"fp17\"\n")}),
              HasSubstr(".toml: dtype is \"fp17\"; allowed: auto"));
  EXPECT_THAT(Refused({"serve", "--config", Write("threads = [1, 2]\n")}),
              HasSubstr("has 2 values"));
  EXPECT_THAT(Refused({"serve", "--config", Write("threads = 1\nthreads = 2\n")}),
              HasSubstr("threads"));
  EXPECT_THAT(Refused({"serve", "--config", "/nonexistent/file"}), HasSubstr("/nonexistent/file"));
}

TEST_F(ConfigFileTest, PrintedConfigNamesEachSourceAndReadsBack) {
  const std::string path = Write("threads = 5\n");
  const auto line = Read({"serve", "--config", path, "--device=cpu", "--print-config"},
                         {{"EMBEDSERVE_DTYPE", "bf16"}});
  ASSERT_TRUE(line.ok());
  EXPECT_THAT(line->print, AllOf(HasSubstr("device = \"cpu\"  # --device\n"),
                                 HasSubstr("dtype = \"bf16\"  # EMBEDSERVE_DTYPE\n"),
                                 HasSubstr("threads = \"5\"  # " + path + ": threads\n"),
                                 HasSubstr("listen = \"127.0.0.1:50051\"  # default\n")));
  const Options again = Accepted({"serve", "--config", Write(line->print)});
  EXPECT_EQ(again.threads, 5);
  EXPECT_EQ(again.dtype, ComputeType::kBf16);
}

}  // namespace
}  // namespace embedserve
