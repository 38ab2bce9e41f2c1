// Any bytes as sentencepiece.bpe.model, and its charsmap over a text of any valid bytes of the same
// input.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/tokenizer/charsmap.h"
#include "model/tokenizer/sentencepiece_model.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Fuzz(std::string_view input) {
  const auto model = ParseSentencePieceModel(input, "fuzz.model");
  if (!model.ok()) {
    return Require(model.status().code() == absl::StatusCode::kFailedPrecondition);
  }
  Require(!model->pieces.empty());
  for (const SentencePieceModel::Piece& piece : model->pieces) {
    Require(std::isfinite(piece.score) && !FirstInvalidUtf8(piece.text).has_value());
  }
  const auto charsmap = Charsmap::Parse(model->charsmap);
  if (!charsmap.ok()) return;
  std::string_view text = input;
  if (const auto bad = FirstInvalidUtf8(text)) text = text.substr(0, *bad);
  for (const std::string_view each : {text, std::string_view("\u2122 e\u0301\u2581 a\u00a0b")}) {
    std::string out;
    Require(!FirstInvalidUtf8((*charsmap)->Apply(each, out)).has_value());
    constexpr std::size_t kLimit = 10;
    std::string cut;
    const bool longer = (*charsmap)->Apply(each, cut, kLimit).size() > kLimit;
    Require(longer || (*charsmap)->Apply(each, out).size() <= kLimit);
  }
}

}  // namespace
}  // namespace embedserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  embedserve::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
