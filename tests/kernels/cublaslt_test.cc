#include "kernels/cublaslt.h"

#include <cublasLt.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace embedserve::kernels {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class OpenCublasLtTest : public ::testing::Test {
 protected:
  // A folder of this test's own that ends with it.
  std::string Folder() const { return folder_.string(); }
  std::filesystem::path File() const {
    return folder_ / ("libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR));
  }
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

 private:
  std::filesystem::path folder_;
};

TEST_F(OpenCublasLtTest, NamesFileFoldersAndWayOutWhereThereIsNone) {
  const std::vector<std::string> folders = {"/nonexistent/a", "/nonexistent/b"};
  const OpenedLibrary library = OpenCublasLt(folders);
  EXPECT_EQ(library.handle, nullptr);
  EXPECT_THAT(library.why_not,
              AllOf(HasSubstr(File().filename().string()), HasSubstr("/nonexistent/a"),
                    HasSubstr("/nonexistent/b"), HasSubstr("install"), HasSubstr("--device cpu"),
                    Not(HasSubstr("No such file"))));
}

TEST_F(OpenCublasLtTest, RepeatsWhatTheLoaderSaysAboutADamagedFile) {
  std::ofstream(File()) << "not a library";
  const std::vector<std::string> folders = {Folder()};
  const OpenedLibrary library = OpenCublasLt(folders);
  EXPECT_EQ(library.handle, nullptr);
  EXPECT_THAT(library.why_not, HasSubstr(File().string() + ": file too short"));
}

TEST_F(OpenCublasLtTest, TakesTheFirstThatOpens) {
  // Any library will do: the mathematics of the C library under this name.
  Dl_info found;
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "cbrt"), &found), 0);
  std::filesystem::create_symlink(found.dli_fname, File());
  const std::vector<std::string> folders = {"/nonexistent", Folder()};
  const OpenedLibrary library = OpenCublasLt(folders);
  EXPECT_THAT(library.why_not, IsEmpty());
  ASSERT_NE(library.handle, nullptr);
  EXPECT_NE(dlsym(library.handle, "cbrt"), nullptr);
}

TEST(CublasLtFoldersTest, AreTheLoadersTheProgramsAndCudas) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::vector<std::string> folders = CublasLtFolders();
  EXPECT_EQ(folders.front(), "");
  EXPECT_THAT(folders, Contains(program.string()));
  EXPECT_THAT(folders, Contains("/usr/local/cuda/lib64"));
}

// Needs the library, but no device; gemm_test calls the rest of it.
TEST(CublasLtTest, PassesCallsOn) {
  if (!WhyNoCublasLt().empty()) GTEST_SKIP() << WhyNoCublasLt();
  EXPECT_THAT(std::string(cublasLtGetStatusString(CUBLAS_STATUS_NOT_SUPPORTED)), Not(IsEmpty()));

  cublasLtMatrixLayoutOpaque_t layout{};
  ASSERT_EQ(cublasLtMatrixLayoutInit(&layout, CUDA_R_16F, 3, 5, 8), CUBLAS_STATUS_SUCCESS);
  const std::uint64_t columns = 7;
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_COLS, &columns,
                                             sizeof columns),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, 1),
            CUBLAS_STATUS_INVALID_VALUE);

  cublasLtMatmulDescOpaque_t operation{};
  ASSERT_EQ(cublasLtMatmulDescInit(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F),
            CUBLAS_STATUS_SUCCESS);
  const cublasOperation_t transpose = CUBLAS_OP_T;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSA, &transpose,
                                           sizeof transpose),
            CUBLAS_STATUS_SUCCESS);

  cublasLtMatmulPreference_t preference = nullptr;
  ASSERT_EQ(cublasLtMatmulPreferenceCreate(&preference), CUBLAS_STATUS_SUCCESS);
  const std::size_t bytes = std::size_t{1} << 20;
  EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(
                preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtMatmulPreferenceDestroy(preference), CUBLAS_STATUS_SUCCESS);
}

}  // namespace
}  // namespace embedserve::kernels
