#include "model/folder/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "tests/support/refusal_matcher.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The bytes must outlive the result.
absl::StatusOr<TensorFile> Parse(const std::string& file) {
  return TensorFile::FromBytes(std::as_bytes(std::span(file)), "w.safetensors");
}

absl::StatusOr<TensorFile> ParseHeader(std::string_view header, std::string_view data = "") {
  static std::string file;
  file = SafetensorsFile(header, data);
  return Parse(file);
}

constexpr std::string_view kOneTensor = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(TensorFileTest, ReadsViewsOfEveryType) {
  const std::string bytes = SafetensorsFile({{"f32", {{2, 3}, {1, 2, 3, 4, 5, 6.5}}},
                                             {"f16", {{2}, {-0.25, 1024}, "F16"}},
                                             {"bf16", {{2}, {-3, 0.5}, "BF16"}},
                                             {"scalar", {{}, {7}}},
                                             {"none", {{0, 4}, {}}},
                                             {"bool", {{3}, {0, 1, 1}, "BOOL"}}});
  const auto file = Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->names(), ElementsAre("bf16", "bool", "f16", "f32", "none", "scalar"));
  EXPECT_EQ(file->path(), "w.safetensors");
  EXPECT_EQ(file->bytes().size(), bytes.size());

  const TensorView& f32 = **file->Find("f32");
  EXPECT_EQ(f32.name, "f32");
  EXPECT_EQ(f32.type, TensorType::kF32);
  EXPECT_THAT(f32.shape, ElementsAre(2, 3));
  EXPECT_THAT(f32.ToFloat(), ElementsAre(1, 2, 3, 4, 5, 6.5));
  EXPECT_THAT((*file->Find("f16"))->ToFloat(), ElementsAre(-0.25, 1024));
  EXPECT_THAT((*file->Find("bf16"))->ToFloat(), ElementsAre(-3, 0.5));
  EXPECT_THAT((*file->Find("scalar"))->ToFloat(), ElementsAre(7));
  EXPECT_EQ((*file->Find("none"))->size(), 0u);
  EXPECT_EQ(*file->Find("absent"), nullptr);
  EXPECT_THAT(file->Find("bool"),
              IsRefused("w.safetensors: bool is of type BOOL; expected F32, F16 "
                        "or BF16"));
}

TEST(TensorFileTest, ViewsOutliveAMove) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "model.safetensors";
  std::ofstream(path, std::ios::binary) << SafetensorsFile({{"a", {{2}, {3, 4}}}});
  auto opened = TensorFile::Open(path);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const TensorView* view = *opened->Find("a");
  const TensorFile file = *std::move(opened);
  file.DropPages();
  EXPECT_THAT(view->ToFloat(), ElementsAre(3, 4));
}

TEST(TensorFileTest, HeaderMayEndInSpaces) {
  const auto file = ParseHeader(std::string(kOneTensor) + "    ", std::string(8, '\0'));
  EXPECT_TRUE(file.ok()) << file.status();
}

TEST(TensorFileTest, RefusesALengthThatDoesNotFit) {
  EXPECT_THAT(Parse(""), IsRefused("w.safetensors: has 0 bytes, too few for a safetensors header"));
  EXPECT_THAT(Parse("1234567"), IsRefused(HasSubstr("has 7 bytes")));
  const std::string whole = SafetensorsFile(kOneTensor, std::string(8, '\0'));
  EXPECT_TRUE(Parse(whole).ok());
  EXPECT_THAT(Parse(whole.substr(0, 20)), IsRefused(HasSubstr("cut short")));
  std::string huge = whole;
  huge[7] = '\x7f';
  EXPECT_THAT(Parse(huge), IsRefused(HasSubstr("the header's length is 9151314442816847926")));
}

TEST(TensorFileTest, RefusesBrokenHeaders) {
  EXPECT_THAT(ParseHeader("[]"), IsRefused(HasSubstr("does not begin with '{'")));
  EXPECT_THAT(ParseHeader(" {}"), IsRefused(HasSubstr("does not begin with '{'")));
  EXPECT_THAT(ParseHeader("{"), IsRefused(HasSubstr("w.safetensors (header): is not valid JSON")));
  EXPECT_THAT(ParseHeader(R"({"a": 1})"), IsRefused(HasSubstr("a is 1; expected an object")));
  EXPECT_THAT(ParseHeader(R"({"__metadata__": {"format": 1}})"),
              IsRefused(HasSubstr("__metadata__.format is 1; expected a string")));
  EXPECT_THAT(ParseHeader(R"({"__metadata__": []})"), IsRefused(HasSubstr("expected an object")));
  EXPECT_THAT(ParseHeader(R"({"a": {"dtype": "F32", "shape": []}})"),
              IsRefused(HasSubstr("a.data_offsets is missing")));
  EXPECT_THAT(
      ParseHeader(R"({"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0], "x": 1}})"),
      IsRefused(HasSubstr("a.x is 1; unknown key")));
  EXPECT_THAT(ParseHeader(R"({"\ud800": {}})"), IsRefused(HasSubstr("not valid JSON")));
  EXPECT_THAT(Parse("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
              IsRefused(HasSubstr("git lfs pull")));
}

TEST(TensorFileTest, RefusesANameGivenTwice) {
  EXPECT_THAT(ParseHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                              "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                          "0123"),
              IsRefused(HasSubstr("key \"a\" is given twice")));
}

struct BadTensor {
  const char* dtype;
  const char* shape;
  const char* offsets;
  const char* message;
};

TEST(TensorFileTest, RefusesTensorsThatLie) {
  // Over 8 bytes of data.
  const BadTensor cases[] = {
      {"\"F31\"", "[2]", "[0, 8]", "a.dtype is \"F31\"; not a dtype"},
      {"4", "[2]", "[0, 8]", "a.dtype is 4; expected a string"},
      {"\"F32\"", "2", "[0, 8]", "a.shape is 2; expected an array"},
      {"\"F32\"", "[-2]", "[0, 8]", "a.shape[0] is -2; expected an integer from 0"},
      {"\"F32\"", "[2.0]", "[0, 8]", "a.shape[0] is 2.0; expected an integer"},
      {"\"F32\"", "[3]", "[0, 8]",
       "a.shape is [3]; as F32 this takes 12 bytes, but data_offsets "
       "span 8"},
      {"\"F16\"", "[2]", "[0, 8]", "takes 4 bytes, but data_offsets span 8"},
      {"\"F32\"", "[1099511627776, 1099511627776]", "[0, 8]", "the size overflows"},
      {"\"F32\"", "[281474976710656, 281474976710656, 281474976710656, 0]", "[0, 8]", "overflows"},
      {"\"F32\"", "[18446744073709551615]", "[0, 8]", "expected an integer from 0"},
      {"\"F4\"", "[15]", "[0, 8]", "not a whole number of bytes"},
      {"\"F32\"", "[2]", "[0, 9]", "a.data_offsets[1] is 9; expected an integer from 0 to 8"},
      {"\"F32\"", "[2]", "[8, 0]", "a.data_offsets[1] is 0; expected an integer from 8 to 8"},
      {"\"F32\"", "[2]", "[-8, 0]", "a.data_offsets[0] is -8"},
      {"\"F32\"", "[2]", "[0]", "expected [begin, end]"},
      {"\"F32\"", "[2]", "8", "expected [begin, end]"},
      {"\"F32\"", "[1]", "[0, 4]", "4 bytes behind the last tensor"},
      {"\"F32\"", "[1]", "[4, 8]",
       "a begins at byte 4 of the data, but the header ends at 0: a gap"},
  };
  for (const BadTensor& bad : cases) {
    const std::string header = std::string(R"({"a": {"dtype": )") + bad.dtype +
                               ", \"shape\": " + bad.shape + ", \"data_offsets\": " + bad.offsets +
                               "}}";
    EXPECT_THAT(ParseHeader(header, "01234567"), IsRefused(HasSubstr(bad.message))) << header;
  }
}

TEST(TensorFileTest, RefusesOverlapAndGap) {
  const auto two = [](std::string_view first, std::string_view second) {
    const auto tensor = [](std::string_view offsets) {
      return R"({"dtype": "F32", "shape": [1], "data_offsets": )" + std::string(offsets) + "}";
    };
    return ParseHeader("{\"a\": " + tensor(first) + ", \"b\": " + tensor(second) + "}",
                       std::string(12, '\0'));
  };
  EXPECT_THAT(two("[0, 4]", "[0, 4]"),
              IsRefused(AllOf(HasSubstr("b begins at byte 0 of the data, but a ends at 4"),
                              HasSubstr("they overlap"))));
  EXPECT_THAT(two("[2, 6]", "[0, 4]"), IsRefused(HasSubstr("they overlap")));
  EXPECT_THAT(two("[0, 4]", "[8, 12]"), IsRefused(HasSubstr("a gap that no tensor covers")));
  EXPECT_THAT(two("[0, 4]", "[4, 8]"), IsRefused(HasSubstr("4 bytes behind the last tensor")));
}

TEST(TensorFileTest, EveryTruncationIsRefused) {
  const std::string whole = SafetensorsFile({{"a", {{2}, {1, 2}}}, {"b", {{3}, {1, 2, 3}, "F16"}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Parse(whole.substr(0, size)).ok()) << size;
  }
  EXPECT_TRUE(Parse(whole).ok());
  EXPECT_THAT(Parse(whole + "x"), IsRefused(HasSubstr("1 bytes behind the last tensor")));
}

}  // namespace
}  // namespace embedserve
