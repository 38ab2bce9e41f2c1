#include "model/tokenizer/sentencepiece_model.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "model/folder/file.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/vocabulary.h"

namespace embedserve {
namespace {

// Field numbers of sentencepiece_model.proto.
constexpr uint64_t kPieces = 1;
constexpr uint64_t kTrainerSpec = 2;
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kPieceText = 1;
constexpr uint64_t kPieceScore = 2;
constexpr uint64_t kPieceKind = 3;
constexpr uint64_t kTrainerModelType = 3;
constexpr uint64_t kNormalizerCharsmap = 2;

constexpr uint64_t kUnigramType = 1;

// Wire types of protobuf.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kBytes = 2;
constexpr uint64_t kFixed32 = 5;

struct Field {
  uint64_t number;
  uint64_t wire;
  uint64_t integer;        // of kVarint, kFixed32 and kFixed64
  std::string_view bytes;  // of kBytes
};

// Reads the fields of messages; all views are parts of one file, so that errors can name its bytes.
class WireReader {
 public:
  WireReader(std::string_view file, std::string_view name) : file_(file), name_(name) {}

  absl::Status ForEachField(std::string_view message,
                            absl::FunctionRef<absl::Status(const Field&)> visit) const {
    while (!message.empty()) {
      const std::string_view at = message;
      ASSIGN_OR_RETURN(const uint64_t key, TakeVarint(message));
      Field field = {key >> 3, key & 7, 0, {}};
      if (field.wire == kVarint) {
        ASSIGN_OR_RETURN(field.integer, TakeVarint(message));
      } else if (field.wire == kBytes) {
        ASSIGN_OR_RETURN(const uint64_t size, TakeVarint(message));
        ASSIGN_OR_RETURN(field.bytes, Take(message, size));
      } else if (field.wire == kFixed32 || field.wire == kFixed64) {
        ASSIGN_OR_RETURN(field.integer, TakeFixed(message, field.wire == kFixed32 ? 4 : 8));
      } else {
        return Broken(at);
      }
      if (field.number == 0) return Broken(at);
      RETURN_IF_ERROR(visit(field));
    }
    return absl::OkStatus();
  }

  // An error unless `field` has the wire type that the message's definition gives it.
  absl::Status Expect(const Field& field, uint64_t wire, std::string_view key) const {
    if (field.wire == wire) return absl::OkStatus();
    return Refuse("{}: the field {} has another wire type ({}) than sentencepiece gives it ({})",
                  name_, key, field.wire, wire);
  }

  absl::Status Broken(std::string_view at) const {
    return Refuse("{}: is no sentencepiece model: byte {} of {} belongs to no protobuf message",
                  name_, at.data() - file_.data(), file_.size());
  }

 private:
  absl::StatusOr<uint64_t> TakeVarint(std::string_view& message) const {
    uint64_t value = 0;
    for (std::size_t i = 0; i < 10 && i < message.size(); ++i) {
      const auto byte = static_cast<unsigned char>(message[i]);
      value |= static_cast<uint64_t>(byte & 0x7F) << 7 * i;
      if (byte < 0x80) {
        message.remove_prefix(i + 1);
        return value;
      }
    }
    return Broken(message);
  }

  absl::StatusOr<std::string_view> Take(std::string_view& message, uint64_t size) const {
    if (size > message.size()) return Broken(message);
    const std::string_view taken = message.substr(0, size);
    message.remove_prefix(size);
    return taken;
  }

  absl::StatusOr<uint64_t> TakeFixed(std::string_view& message, std::size_t size) const {
    ASSIGN_OR_RETURN(const std::string_view bytes, Take(message, size));
    uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
    }
    return value;
  }

  std::string_view file_;
  std::string_view name_;
};

absl::StatusOr<SentencePieceModel::Piece> ReadPiece(const WireReader& reader,
                                                    std::string_view message) {
  SentencePieceModel::Piece piece;
  RETURN_IF_ERROR(reader.ForEachField(message, [&](const Field& field) -> absl::Status {
    if (field.number == kPieceText) {
      RETURN_IF_ERROR(reader.Expect(field, kBytes, "pieces.piece"));
      piece.text = field.bytes;
    } else if (field.number == kPieceScore) {
      RETURN_IF_ERROR(reader.Expect(field, kFixed32, "pieces.score"));
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.integer));
    } else if (field.number == kPieceKind) {
      RETURN_IF_ERROR(reader.Expect(field, kVarint, "pieces.type"));
      // protobuf drops the numbers that an enumeration does not name.
      if (field.integer >= 1 && field.integer <= 6) {
        piece.kind = static_cast<SentencePieceModel::Kind>(field.integer);
      }
    }
    return absl::OkStatus();
  }));
  return piece;
}

absl::Status CheckPiece(const SentencePieceModel::Piece& piece, std::size_t number,
                        std::string_view name) {
  if (FirstInvalidUtf8(piece.text).has_value()) {
    return Refuse("{}: piece {} is not valid UTF-8", name, number);
  }
  if (!std::isfinite(piece.score)) {
    return Refuse("{}: piece {} ('{}') has the score {}; expected a finite number", name, number,
                  piece.text, piece.score);
  }
  if (number >= Vocabulary::kMaxIds) {
    return Refuse("{}: has more than {} pieces", name, Vocabulary::kMaxIds);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string_view bytes,
                                                           std::string_view name) {
  const WireReader reader(bytes, name);
  SentencePieceModel model;
  uint64_t type = kUnigramType;
  const auto read_trainer = [&](const Field& field) -> absl::Status {
    if (field.number != kTrainerModelType) return absl::OkStatus();
    RETURN_IF_ERROR(reader.Expect(field, kVarint, "trainer_spec.model_type"));
    type = field.integer;
    return absl::OkStatus();
  };
  const auto read_normalizer = [&](const Field& field) -> absl::Status {
    if (field.number != kNormalizerCharsmap) return absl::OkStatus();
    RETURN_IF_ERROR(reader.Expect(field, kBytes, "normalizer_spec.precompiled_charsmap"));
    model.charsmap = field.bytes;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(reader.ForEachField(bytes, [&](const Field& field) -> absl::Status {
    if (field.number < kPieces || field.number > kNormalizerSpec) return absl::OkStatus();
    RETURN_IF_ERROR(reader.Expect(field, kBytes, "1, 2 or 3 of the whole"));
    if (field.number == kTrainerSpec) return reader.ForEachField(field.bytes, read_trainer);
    if (field.number == kNormalizerSpec) return reader.ForEachField(field.bytes, read_normalizer);
    ASSIGN_OR_RETURN(SentencePieceModel::Piece piece, ReadPiece(reader, field.bytes));
    RETURN_IF_ERROR(CheckPiece(piece, model.pieces.size(), name));
    model.pieces.push_back(std::move(piece));
    return absl::OkStatus();
  }));
  if (type != kUnigramType) {
    return Refuse(
        "{}: trainer_spec.model_type is {}; expected 1 (Unigram), the only one that the tokenizer "
        "classes of such folders use",
        name, type);
  }
  if (model.pieces.empty()) return Refuse("{}: has no pieces", name);
  return model;
}

absl::StatusOr<SentencePieceModel> ReadSentencePieceModel(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  RETURN_IF_ERROR(RefuseLfsPointer(file.text(), path.string()));
  return ParseSentencePieceModel(file.text(), path.string());
}

}  // namespace embedserve
