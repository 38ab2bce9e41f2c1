#include "model/folder/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>

#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

std::unique_ptr<const JsonFile> Parsed(std::string_view text) {
  auto file = JsonFile::Parse(text, "f.json");
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : nullptr;
}

std::string ParseError(std::string_view text) {
  const auto file = JsonFile::Parse(text, "f.json");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(file.status()), HasSubstr("f.json: "));
  return Message(file.status());
}

TEST(JsonTest, ReadsEveryType) {
  const auto file = Parsed(R"({"s": "a\u00e9", "b": true, "i": -3, "f": 1e-12, "n": null,
                               "a": [1, 2], "o": {"k": "v"}})");
  const JsonValue root = file->root();
  EXPECT_EQ(*root.String("s"), "a\xC3\xA9");
  EXPECT_EQ(*root.Bool("b"), true);
  EXPECT_EQ(*root.Int("i", -3, 5), -3);
  EXPECT_EQ(*root.Number("f"), 1e-12);
  EXPECT_EQ(*root.Number("i"), -3.0);
  EXPECT_TRUE(root.Get("n")->IsNull());
  EXPECT_EQ(root.Get("a")->size(), 2u);
  EXPECT_EQ(*root.Get("o")->String("k"), "v");
  EXPECT_THAT(file->warnings(), IsEmpty());
}

TEST(JsonTest, AbsentAndNullTakeTheDefault) {
  const auto file = Parsed(R"({"n": null, "i": 4, "s": "x"})");
  const JsonValue root = file->root();
  for (const std::string_view key : {"n", "absent"}) {
    EXPECT_EQ(*root.IntOr(key, 7, 0, 9), 7);
    EXPECT_EQ(*root.BoolOr(key, true), true);
    EXPECT_EQ(*root.NumberOr(key, 0.5), 0.5);
    EXPECT_EQ(*root.OptionalString(key), std::nullopt);
    EXPECT_FALSE(root.Find(key)->has_value());
  }
  EXPECT_EQ(*root.IntOr("i", 7, 0, 9), 4);
  EXPECT_EQ(**root.OptionalString("s"), "x");
}

TEST(JsonTest, ErrorsNameFileKeyValueAndExpectation) {
  const auto file = Parsed(R"({"a": [0, {"size": "big"}], "n": 3.0, "huge": 1e300,
                               "over": 18446744073709551615, "t": true})");
  const JsonValue root = file->root();
  EXPECT_EQ(Message(root.Int("absent", 0, 1).status()), "f.json: absent is missing, but needed");
  absl::Status status;
  EXPECT_FALSE(root.Get("a")
                   ->ForEachElement([&](std::size_t i, JsonValue value) {
                     return i == 0 ? absl::OkStatus()
                                   : (status = value.Int("size", 1, 9).status(), status);
                   })
                   .ok());
  EXPECT_EQ(Message(status), "f.json: a[1].size is \"big\"; expected an integer from 1 to 9");
  EXPECT_EQ(Message(root.Int("n", 0, 9).status()),
            "f.json: n is 3.0; expected an integer from 0 to 9");
  EXPECT_FALSE(root.Int("huge", 0, 9).ok());
  EXPECT_FALSE(root.Int("over", INT64_MIN, INT64_MAX).ok());
  EXPECT_FALSE(root.Int("t", 0, 9).ok());
  EXPECT_EQ(Message(root.String("t").status()), "f.json: t is true; expected a string");
  EXPECT_EQ(Message(root.Bool("n").status()), "f.json: n is 3.0; expected true or false");
  EXPECT_EQ(Message(root.Number("t").status()), "f.json: t is true; expected a number");
  EXPECT_EQ(Message(root.Get("a")->Find("k").status()),
            "f.json: a is [0,{\"size\":\"big\"}]; expected an object");
}

TEST(JsonTest, IntegersBeyond64BitsAreNumbersOnly) {
  const auto file = Parsed(R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(*file->root().Number("model_max_length"), 1e30);
  EXPECT_FALSE(file->root().Int("model_max_length", 0, INT64_MAX).ok());
}

TEST(JsonTest, RefusesOtherKeys) {
  const auto file = Parsed(R"({"known": 1, "zeta": [1]})");
  EXPECT_TRUE(file->root().RefuseOtherKeys({"known", "zeta", "unused"}).ok());
  EXPECT_EQ(Message(file->root().RefuseOtherKeys({"known"})),
            "f.json: zeta is [1]; unknown key; known: known");
}

TEST(JsonTest, LastOfRepeatedKeysCountsWithAWarning) {
  const auto file = Parsed(R"({"a": {"x": 1}, "b": 1, "b": [2], "a": 3})");
  EXPECT_EQ(*file->root().Int("a", 0, 9), 3);
  EXPECT_EQ(file->root().Get("b")->size(), 1u);
  EXPECT_THAT(file->warnings(),
              ElementsAre("f.json: key \"b\" is given twice (and 1 more); the last counts"));
}

TEST(JsonTest, RefusesWhatIsNotJson) {
  EXPECT_THAT(ParseError(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(ParseError("{\"a\": 1"), HasSubstr("line 1, column 8"));
  EXPECT_THAT(ParseError("{} {}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(ParseError(std::string_view("{}\0", 3)), HasSubstr("NUL"));
  EXPECT_THAT(ParseError("{'a': 1}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(ParseError("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  EXPECT_THAT(ParseError("{\"a\": NaN}"), HasSubstr("NaN and Infinity"));
  EXPECT_THAT(ParseError("{\"a\": -Infinity}"), HasSubstr("NaN and Infinity"));
  EXPECT_THAT(ParseError("{\"a\": 1e999}"), HasSubstr("1e999"));
  EXPECT_THAT(ParseError("{\"a\": \"\xFF\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(ParseError("{\"a\": \"\\ud800\"}"), HasSubstr("surrogate"));
  EXPECT_THAT(ParseError("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
              HasSubstr("git lfs pull"));
}

TEST(JsonTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    const auto count = static_cast<std::size_t>(depth);
    return std::string(count, '[') + std::string(count, ']');
  };
  EXPECT_TRUE(JsonFile::Parse(nested(kMaxJsonDepth), "f.json").ok());
  EXPECT_THAT(ParseError(nested(kMaxJsonDepth + 1)), HasSubstr("nested deeper than 256"));
  EXPECT_THAT(ParseError(std::string(10'000'000, '[')), HasSubstr("nested deeper than 256"));
}

TEST(JsonTest, ReadsFiles) {
  const std::string path = testing::TempDir() + "/json_test.json";
  std::ofstream(path) << "[]";
  const auto file = JsonFile::Read(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->name(), path);
  EXPECT_THAT(Message((*file)->RootObject().status()), HasSubstr("is []; expected an object"));
  EXPECT_EQ(Message(JsonFile::Read(path + ".absent").status()), path + ".absent: no such file");
}

}  // namespace
}  // namespace embedserve
