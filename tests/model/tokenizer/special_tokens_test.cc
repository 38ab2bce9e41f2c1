// What post-processors give; what the library makes of them is in the goldens and differential.py.
#include "model/tokenizer/special_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = SpecialTokens::PairPiece::Kind;
using Piece = SpecialTokens::PairPiece;

absl::StatusOr<SpecialTokens> Read(const std::string& processor) {
  const auto file = JsonFile::Parse(R"({"post_processor": )" + processor + "}", "x.json");
  EXPECT_TRUE(file.ok()) << file.status();
  return ReadPostProcessor((*file)->root());
}

std::string Template(const std::string& single, const std::string& pair) {
  return R"({"type": "TemplateProcessing", "single": [)" + single + R"(], "pair": [)" + pair +
         R"(], "special_tokens": {"c": {"id": "c", "ids": [7, 8], "tokens": ["c", "d"]}}})";
}

constexpr const char* kA = R"({"Sequence": {"id": "A", "type_id": 0}})";
constexpr const char* kB = R"({"Sequence": {"id": "B", "type_id": 3}})";
constexpr const char* kC = R"({"SpecialToken": {"id": "c", "type_id": 2}})";

TEST(SpecialTokensTest, NoProcessorJoinsTwoTextsOfTypes0And1) {
  const auto specials = Read("null");
  ASSERT_TRUE(specials.ok()) << specials.status();
  EXPECT_THAT(specials->before, IsEmpty());
  EXPECT_THAT(specials->pair, ElementsAre(Piece{Kind::kFirst, 0}, Piece{Kind::kSecond, 1}));
  EXPECT_EQ(specials->pair_tokens(), 0);
}

TEST(SpecialTokensTest, BertAndRobertaDifferInThePair) {
  const std::string ends = R"("sep": ["s", 2], "cls": ["c", 1]})";
  const auto bert = Read(R"({"type": "BertProcessing", )" + ends);
  const auto roberta = Read(R"({"type": "RobertaProcessing", )" + ends);
  ASSERT_TRUE(bert.ok() && roberta.ok());
  EXPECT_EQ(*bert, SpecialTokens::Bert(1, 2));
  EXPECT_EQ(*roberta, SpecialTokens::Roberta(1, 2));
  EXPECT_EQ(bert->before, roberta->before);
  EXPECT_EQ(bert->pair_tokens(), 3);
  EXPECT_EQ(roberta->pair_tokens(), 4);
}

TEST(SpecialTokensTest, TemplatesMayHaveAnyOrder) {
  const auto specials =
      Read(Template(std::string(kC) + "," + kA, std::string(kB) + "," + kC + "," + kA));
  ASSERT_TRUE(specials.ok()) << specials.status();
  EXPECT_THAT(specials->before, ElementsAre(7, 8));
  EXPECT_THAT(specials->after, IsEmpty());
  EXPECT_THAT(specials->pair, ElementsAre(Piece{Kind::kSecond, 3}, Piece{Kind::kToken, 2, 7},
                                          Piece{Kind::kToken, 2, 8}, Piece{Kind::kFirst, 0}));
}

TEST(SpecialTokensTest, BrokenTemplatesAreRefused) {
  const auto message = [](const std::string& processor) {
    return std::string(Read(processor).status().message());
  };
  EXPECT_THAT(message(Template(kB, kB)), HasSubstr("no sequence \"B\""));
  EXPECT_THAT(message(Template(kC, kB)), HasSubstr("\"A\" exactly once"));
  EXPECT_THAT(message(Template(kA, R"({"Sequence": {"id": "C", "type_id": 0}})")),
              HasSubstr("pair[0].Sequence"));
  EXPECT_THAT(message(Template(kA, R"({"SpecialToken": {"id": "x", "type_id": 0}})")),
              HasSubstr("special_tokens"));
  EXPECT_THAT(message(Template(kA, R"({"Sequence": {"id": "B", "type_id": 4294967295}})")),
              HasSubstr("type_id"));
  EXPECT_THAT(message(R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})"),
              HasSubstr("pair"));
  EXPECT_THAT(message(R"({"type": "Other"})"), HasSubstr("known are TemplateProcessing"));
}

}  // namespace
}  // namespace embedserve
