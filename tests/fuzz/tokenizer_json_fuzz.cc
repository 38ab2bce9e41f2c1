// tokenizer.json of arbitrary bytes, then a text of arbitrary bytes through what was loaded.
// Input: the file, a NUL (which no JSON text holds), the text.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/strings/match.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Encode(const Tokenizer& tokenizer, std::string_view text) {
  static Tokenizer::Scratch& scratch = *new Tokenizer::Scratch();
  const std::array<std::string_view, 2> texts = {text, "a B\xC3\xA9 <mask>"};
  TokenBatch whole;
  const absl::Status status = tokenizer.Encode(texts, {}, scratch, whole);
  const bool valid = !FirstInvalidUtf8(text).has_value();
  // Replacements that multiply may make any text too long.
  Require(status.ok() ? valid : !valid || absl::StrContains(status.message(), "normalizer makes"));
  if (!status.ok()) return Require(whole.ids.empty() && whole.ends.empty());
  for (const int32_t id : whole.ids) Require(id >= 0 && id < tokenizer.vocabulary_size());

  // What a limit cuts off is a whole text's end or beginning.
  TokenizeOptions options{.add_special_tokens = false};
  TokenBatch all;
  Require(tokenizer.Encode(texts, options, scratch, all).ok());
  for (const TruncationSide side : {TruncationSide::kEnd, TruncationSide::kStart}) {
    options.max_length = 3;
    options.truncation_side = side;
    TokenBatch cut;
    Require(tokenizer.Encode(texts, options, scratch, cut).ok());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto expected = side == TruncationSide::kEnd
                                ? all[i].first(std::min<std::size_t>(3, all[i].size()))
                                : all[i].last(std::min<std::size_t>(3, all[i].size()));
      Require(std::equal(cut[i].begin(), cut[i].end(), expected.begin(), expected.end()));
      Require((cut.truncated[i] != 0) == (all[i].size() > 3));
    }
  }
}

void Fuzz(std::string_view input) {
  const std::size_t end = input.find('\0');
  const auto tokenizer = Tokenizer::FromJson(input.substr(0, end), "tokenizer.json");
  if (!tokenizer.ok()) return Require(!tokenizer.status().message().empty());
  Encode(**tokenizer, end == std::string_view::npos ? "" : input.substr(end + 1));
}

}  // namespace
}  // namespace embedserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  embedserve::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
