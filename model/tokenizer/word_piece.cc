#include "model/tokenizer/word_piece.h"

#include <algorithm>
#include <span>
#include <utility>

#include "fmt/format.h"
#include "model/tokenizer/append_words.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {

absl::StatusOr<WordPiece> WordPiece::Build(const Vocabulary& vocabulary,
                                           const WordPieceOptions& options, const FastPaths& fast) {
  const std::optional<int32_t> unk_id = vocabulary.Find(options.unk_token);
  if (!unk_id.has_value()) {
    return absl::FailedPreconditionError(
        fmt::format("the unk_token '{}' is not in the vocabulary of {} tokens", options.unk_token,
                    vocabulary.count()));
  }
  WordPiece model;
  model.fast_ = fast;
  model.pieces_ = ByteTrie::Build({vocabulary.entries().begin(), vocabulary.entries().end()});
  model.inside_ = model.pieces_.Walk(options.continuing_subword_prefix);
  model.unk_id_ = *unk_id;
  model.max_chars_ = options.max_input_chars_per_word;
  return model;
}

void WordPiece::Append(std::string_view segment, std::size_t enough, WordCache& cache,
                       Buffers& buffers, std::vector<int32_t>& ids) const {
  if (!fast_.block_scan) return AppendPlain(segment, enough, cache, ids);
  const std::string_view text = buffers.text.Assign(segment);
  BertScanner scanner(std::min(fast_.simd, BestSimdLevel()), text);
  AppendScanned(scanner, text, enough, cache, buffers.missed, ids,
                [&](std::string_view word, std::vector<int32_t>& own) {
                  AppendPieces(word, own);
                  cache.Put(word, own);
                });
}

void WordPiece::AppendPlain(std::string_view segment, std::size_t enough, WordCache& cache,
                            std::vector<int32_t>& ids) const {
  std::size_t begin = 0;  // of the word under way
  std::size_t at = 0;
  while (at < segment.size()) {
    const Scalar scalar = ScalarAt(segment, at);
    const uint8_t divides = ClassOf(scalar.value) & (CharClass::kSpace | CharClass::kPunctuation);
    if (divides) {
      if (begin < at) AppendWord(segment.substr(begin, at - begin), cache, ids);
      if (divides & CharClass::kPunctuation) {
        AppendWord(segment.substr(at, scalar.size), cache, ids);
      }
      begin = at + scalar.size;
      if (ids.size() > enough) return;
    }
    at += scalar.size;
  }
  if (begin < at) AppendWord(segment.substr(begin, at - begin), cache, ids);
}

void WordPiece::AppendWord(std::string_view word, WordCache& cache,
                           std::vector<int32_t>& ids) const {
  if (cache.Append(word, ids)) return;
  const std::size_t begin = ids.size();
  AppendPieces(word, ids);
  cache.Put(word, std::span(ids).subspan(begin));
}

void WordPiece::AppendPieces(std::string_view word, std::vector<int32_t>& ids) const {
  const std::size_t begin = ids.size();
  bool known = CountScalars(word) <= max_chars_;
  ByteTrie::Node from = ByteTrie::kRoot;
  while (known && !word.empty()) {
    const ByteTrie::Match piece =
        from == ByteTrie::kNowhere ? ByteTrie::Match() : pieces_.LongestPrefix(from, word);
    known = piece.size > 0;
    if (known) ids.push_back(piece.value);
    word.remove_prefix(piece.size);
    from = inside_;
  }
  if (!known) {
    ids.resize(begin);
    ids.push_back(unk_id_);
  }
}

Seeds WordPiece::MakeSeeds(const Vocabulary& vocabulary) const {
  return Seeds(vocabulary, [&](std::string_view token, std::vector<int32_t>& ids) {
    AppendPieces(token, ids);
    return std::string(token);
  });
}

}  // namespace embedserve
