// WordPiece behind the BERT pre-tokenizer: words at white space and punctuation, each cut greedily
// into the longest known pieces (tokenizers.md 2.3). Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/tokenizer/byte_trie.h"
#include "model/tokenizer/fast_paths.h"
#include "model/tokenizer/seeds.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_cache.h"
#include "model/tokenizer/word_scanner.h"

namespace embedserve {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;

  bool operator==(const WordPieceOptions&) const = default;
};

class WordPiece {
 public:
  // Buffers of one thread.
  struct Buffers {
    PaddedText text;
    std::vector<int32_t> missed;  // ids of a word that the cache does not know
  };

  // Errors: unk_token is not in the vocabulary.
  static absl::StatusOr<WordPiece> Build(const Vocabulary& vocabulary,
                                         const WordPieceOptions& options,
                                         const FastPaths& fast = {});

  // Appends the ids of a normalised segment; may stop after a word once there are more than
  // `enough` ids in all.
  void Append(std::string_view segment, std::size_t enough, WordCache& cache, Buffers& buffers,
              std::vector<int32_t>& ids) const;

  // The words of the vocabulary with what Append gives for them.
  Seeds MakeSeeds(const Vocabulary& vocabulary) const;

 private:
  WordPiece() = default;
  void AppendPlain(std::string_view text, std::size_t enough, WordCache& cache,
                   std::vector<int32_t>& ids) const;
  void AppendWord(std::string_view word, WordCache& cache, std::vector<int32_t>& ids) const;
  void AppendPieces(std::string_view word, std::vector<int32_t>& ids) const;

  FastPaths fast_;
  ByteTrie pieces_;
  ByteTrie::Node inside_ = ByteTrie::kNowhere;  // where pieces inside a word begin: after "##"
  int32_t unk_id_ = 0;
  std::size_t max_chars_ = 0;
};

}  // namespace embedserve
