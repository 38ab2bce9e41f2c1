#include "model/folder/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "tests/support/refusal_matcher.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  fs::path Path(std::string_view name) const { return directory_.path() / name; }
  fs::path Write(std::string_view name, std::string_view contents) const {
    std::ofstream(Path(name), std::ios::binary) << contents;
    return Path(name);
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(FileTest, MapsAFileAndALinkToIt) {
  const fs::path file = Write("file", "contents");
  fs::create_symlink("file", Path("link"));
  for (const fs::path& path : {file, Path("link")}) {
    EXPECT_EQ(*FileExists(path), true);
    auto mapped = MappedFile::Open(path);
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    EXPECT_EQ(mapped->text(), "contents");
    const char* address = mapped->text().data();
    const MappedFile moved = *std::move(mapped);
    EXPECT_EQ(moved.text().data(), address);
    moved.DropPages();
    EXPECT_EQ(moved.text(), "contents");
  }
}

TEST_F(FileTest, AbsentIsNotAnErrorUntilOpened) {
  EXPECT_EQ(*FileExists(Path("absent")), false);
  EXPECT_EQ(*FileExists(Write("file", "x") / "below"), false);
  EXPECT_THAT(MappedFile::Open(Path("absent")),
              IsRefused(Path("absent").string() + ": no such file"));
}

TEST_F(FileTest, ADanglingLinkIsNotAbsent) {
  fs::create_symlink("blobs/0123", Path("link"));
  const auto refusal = IsRefused(
      AllOf(HasSubstr(Path("link").string()), HasSubstr("blobs/0123"), HasSubstr("leads nowhere")));
  EXPECT_THAT(FileExists(Path("link")), refusal);
  EXPECT_THAT(MappedFile::Open(Path("link")), refusal);
  fs::create_symlink("loop", Path("loop"));
  EXPECT_THAT(FileExists(Path("loop")), IsRefused(HasSubstr("leads nowhere")));
}

TEST_F(FileTest, RefusesWhatIsNotAFullRegularFile) {
  EXPECT_THAT(MappedFile::Open(Write("empty", "")), IsRefused(HasSubstr("empty: is empty")));
  EXPECT_THAT(MappedFile::Open(Path("")), IsRefused(HasSubstr("is a directory")));
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(MappedFile::Open(Path("fifo")), IsRefused(HasSubstr("not a regular file")));
}

TEST_F(FileTest, ADeniedReadIsNamed) {
  const fs::path file = Write("file", "x");
  fs::permissions(file, fs::perms::none);
  if (std::ifstream(file).good()) GTEST_SKIP() << "this user reads every file: is it root?";
  EXPECT_THAT(MappedFile::Open(file), IsRefused(HasSubstr("check the permissions")));
}

TEST_F(FileTest, RecognisesLfsPointers) {
  EXPECT_THAT(RefuseLfsPointer("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
                               "a/model.safetensors"),
              IsRefused(AllOf(HasSubstr("a/model.safetensors"), HasSubstr("git lfs pull"))));
  EXPECT_TRUE(RefuseLfsPointer("{\"version\": 1}", "config.json").ok());
}

}  // namespace
}  // namespace embedserve
