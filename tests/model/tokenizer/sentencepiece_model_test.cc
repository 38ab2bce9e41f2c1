#include "model/tokenizer/sentencepiece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "tests/model/tokenizer/goldens.h"
#include "tests/support/temporary_directory.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = SentencePieceModel::Kind;

std::string Piece(std::string_view text, float score, uint64_t kind) {
  return ProtoBytes(1, ProtoBytes(1, text) + ProtoFloat(2, score) + ProtoVarint(3, kind));
}

std::string Message(std::string_view bytes) {
  const auto model = ParseSentencePieceModel(bytes, "x.model");
  EXPECT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), absl::StatusCode::kFailedPrecondition);
  return std::string(model.status().message());
}

TEST(SentencePieceModelTest, ReadsPiecesAndCharsmap) {
  const std::string bytes = Piece("<unk>", 0, 2) + Piece("\u2581a", -0.1F, 1) +
                            Piece("user", -2, 4) + ProtoBytes(3, ProtoBytes(2, "map"));
  const auto model = ParseSentencePieceModel(bytes, "x.model");
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_EQ(model->pieces.size(), 3u);
  EXPECT_EQ(model->pieces[0].kind, Kind::kUnknown);
  EXPECT_EQ(model->pieces[1].text, "\u2581a");
  EXPECT_EQ(model->pieces[1].score, static_cast<double>(-0.1F));  // as wide as the file's float
  EXPECT_EQ(model->pieces[2].kind, Kind::kUserDefined);
  EXPECT_EQ(model->charsmap, "map");
}

TEST(SentencePieceModelTest, MissingFieldsHaveProtobufsDefaults) {
  const auto model = ParseSentencePieceModel(ProtoBytes(1, ""), "x.model");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->pieces[0].text, "");
  EXPECT_EQ(model->pieces[0].score, 0);
  EXPECT_EQ(model->pieces[0].kind, Kind::kNormal);
  EXPECT_EQ(model->charsmap, "");
}

TEST(SentencePieceModelTest, TheLastOfRepeatedFieldsCountsAndOthersArePassedOver) {
  const std::string bytes =
      ProtoBytes(1, ProtoVarint(9, 1u << 31) + ProtoBytes(1, "x") + ProtoBytes(1, "a") +
                        ProtoVarint(3, 3) + ProtoVarint(3, 77) + ProtoFloat(7, 1)) +
      ProtoBytes(5, "self test") + ProtoBytes(2, ProtoVarint(3, 2)) +
      ProtoBytes(2, ProtoVarint(3, 1)) + std::string("\x79") + std::string(8, 'x');
  const auto model = ParseSentencePieceModel(bytes, "x.model");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->pieces[0].text, "a");
  EXPECT_EQ(model->pieces[0].kind, Kind::kControl);  // 77 is no kind: dropped
}

TEST(SentencePieceModelTest, OtherModelsAreRefusedByName) {
  const std::string piece = Piece("a", 0, 1);
  EXPECT_THAT(Message(piece + ProtoBytes(2, ProtoVarint(3, 2))),
              AllOf(HasSubstr("x.model: trainer_spec.model_type is 2"), HasSubstr("expected 1")));
  EXPECT_THAT(Message(ProtoBytes(3, ProtoBytes(2, "map"))), HasSubstr("has no pieces"));
  EXPECT_THAT(Message(Piece("\xFF", 0, 1)), HasSubstr("piece 0 is not valid UTF-8"));
  EXPECT_THAT(Message(piece + Piece("b", std::numeric_limits<float>::infinity(), 1)),
              HasSubstr("piece 1 ('b') has the score inf"));
}

TEST(SentencePieceModelTest, BytesThatAreNoMessageAreRefused) {
  const std::string good = Piece("a", 0, 1);
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_THAT(Message(good.substr(0, size)), HasSubstr("is no sentencepiece model: byte"));
  }
  EXPECT_THAT(Message("{\"version\": \"1.0\"}"), HasSubstr("is no sentencepiece model"));
  EXPECT_THAT(Message(std::string(1, '\0') + "a"), HasSubstr("byte 0 of 2"));  // field 0
  EXPECT_THAT(Message(std::string(11, '\xFF')), HasSubstr("byte 0 of 11"));    // endless varint
  EXPECT_THAT(Message("\x0B"), HasSubstr("byte 0 of 1"));                      // a group
  EXPECT_THAT(Message(ProtoVarint(1, 3)), HasSubstr("another wire type (0)"));
  EXPECT_THAT(Message(ProtoBytes(1, ProtoFloat(1, 3))), HasSubstr("field pieces.piece"));
  EXPECT_THAT(Message(ProtoBytes(1, ProtoVarint(2, 3))), HasSubstr("field pieces.score"));
  EXPECT_THAT(Message(ProtoBytes(1, ProtoBytes(3, "x"))), HasSubstr("field pieces.type"));
  EXPECT_THAT(Message(ProtoBytes(2, ProtoBytes(3, "x"))), HasSubstr("trainer_spec.model_type"));
  EXPECT_THAT(Message(ProtoBytes(3, ProtoVarint(2, 1))), HasSubstr("precompiled_charsmap"));
}

TEST(SentencePieceModelTest, FilesAreNamed) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "sentencepiece.bpe.model";
  EXPECT_THAT(std::string(ReadSentencePieceModel(path).status().message()),
              HasSubstr("sentencepiece.bpe.model"));
  std::ofstream(path) << "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5069051\n";
  EXPECT_THAT(std::string(ReadSentencePieceModel(path).status().message()), HasSubstr("Git LFS"));
  std::ofstream(path, std::ios::binary) << Piece("a", 0, 1);
  EXPECT_TRUE(ReadSentencePieceModel(path).ok());
}

}  // namespace
}  // namespace embedserve
