#include "cli/row_writer.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace embedserve {
namespace {

using ::testing::HasSubstr;

constexpr OutputType kAllOutputTypes[] = {
    OutputType::kFloat32, OutputType::kFloat16, OutputType::kBFloat16, OutputType::kInt8,
    OutputType::kUint8,   OutputType::kBinary,  OutputType::kUbinary};

std::string Contents(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

Rows FloatRows(const std::vector<float>& values, int dimensions) {
  Rows rows{"", static_cast<int>(values.size()) / dimensions, dimensions, OutputType::kFloat32};
  rows.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return rows;
}

// The layout of numpy's format description, version 1.0.
TEST(NpyHeader, IsWhatNumpyDescribes) {
  const std::string header = NpyHeader(3, 384, OutputType::kFloat32).value();
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(header[8])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(header[9]));
  EXPECT_EQ(header.size(), 10 + length);
  EXPECT_EQ(header.back(), '\n');
  EXPECT_THAT(header, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }"));
}

TEST(NpyHeader, FillsWholeBlocksWhateverTheNumbers) {
  for (const OutputType type : kAllOutputTypes) {
    if (type == OutputType::kBFloat16) continue;
    for (int64_t rows = 0; rows < int64_t{1} << 50; rows = rows * 10 + 7) {
      EXPECT_EQ(NpyHeader(rows, 768, type).value().size() % 64, 0U) << rows;
    }
  }
}

TEST(NpyHeader, RefusesWhatNumpyHasNot) {
  const auto header = NpyHeader(1, 1, OutputType::kBFloat16);
  EXPECT_EQ(header.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(header.status().message()), HasSubstr("bfloat16"));
}

class NpyWriterTest : public ::testing::Test {
 public:
  ~NpyWriterTest() override { std::filesystem::remove(path_); }

 protected:
  std::string path_ = ::testing::TempDir() + "row_writer_test.npy";
};

TEST_F(NpyWriterTest, AppendsPartsAndAppearsWhenClosed) {
  {
    auto writer = NpyWriter::Open(path_, 3, 2, OutputType::kFloat32);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(writer->Write(FloatRows({1, 2, 3, 4}, 2)).ok());
    ASSERT_TRUE(writer->Write(FloatRows({5, 6}, 2)).ok());
    EXPECT_FALSE(std::filesystem::exists(path_));
    ASSERT_TRUE(writer->Close().ok());
  }
  EXPECT_EQ(Contents(path_),
            NpyHeader(3, 2, OutputType::kFloat32).value() + FloatRows({1, 2, 3, 4, 5, 6}, 2).bytes);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(NpyWriterTest, LeavesNothingWhenTheWorkFails) {
  { ASSERT_TRUE(NpyWriter::Open(path_, 3, 2, OutputType::kFloat32).ok()); }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(NpyWriterTest, NamesAPlaceThatCannotBeWritten) {
  const auto writer = NpyWriter::Open("/nonexistent/folder/x.npy", 1, 1, OutputType::kFloat32);
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("/nonexistent/folder/x.npy"));
}

}  // namespace
}  // namespace embedserve
