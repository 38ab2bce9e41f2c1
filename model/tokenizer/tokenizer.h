// Text -> token ids, exactly as the pinned reference library (tokenizers.md).
//
// A Tokenizer is immutable and shared by all threads; what a call changes lies in the caller's
// Scratch (one per thread) and TokenBatch. After warm-up a call allocates nothing per word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/tokenizer/fast_paths.h"

namespace embedserve {

enum class TruncationSide { kEnd, kStart };
// Which text of a pair is cut where both together are too long. kLongestFirst: the longer one until
// they are of a length, then both.
enum class PairTruncation { kLongestFirst, kOnlyFirst, kOnlySecond };

struct TokenizeOptions {
  // Most tokens of a text or of a pair, special tokens included; 0 = no limit. Below the number of
  // special tokens: INVALID_ARGUMENT.
  int max_length = 0;
  TruncationSide truncation_side = TruncationSide::kEnd;
  PairTruncation pair_truncation = PairTruncation::kLongestFirst;  // of EncodePairs alone
  bool add_special_tokens = true;
  // Special tokens that stand in a text are plain text, as if nobody had named them: for texts of
  // strangers, who could write "[SEP]". Off, as in the reference, unless the folder says so. A
  // Unigram model, as there, still finds those that are among its pieces.
  bool split_special_tokens = false;
};

// The ids of several texts, one after the other.
struct TokenBatch {
  std::vector<int32_t> ids;
  std::vector<int32_t> ends;       // ends[i]: where text i ends in ids; it starts at ends[i - 1]
  std::vector<uint8_t> truncated;  // 1 = ids were cut to max_length

  std::size_t size() const { return ends.size(); }
  std::span<const int32_t> operator[](std::size_t i) const {
    const auto begin = static_cast<std::size_t>(i == 0 ? 0 : ends[i - 1]);
    return std::span(ids).subspan(begin, static_cast<std::size_t>(ends[i]) - begin);
  }
  void clear() {
    ids.clear();
    ends.clear();
    truncated.clear();
  }
};

struct TextPair {
  std::string_view first;
  std::string_view second;
};

// Pairs as Encode's texts, each one sequence of ids.
struct PairBatch {
  TokenBatch tokens;
  std::vector<int32_t> type_ids;  // one an id: what tells the two texts apart, if anything does

  void clear() {
    tokens.clear();
    type_ids.clear();
  }
};

// Settings of a folder that change its tokenizer.
struct FolderTokenizerOptions {
  bool lower_case_first = false;  // sentence_bert_config.json's do_lower_case (semantics.md 2.3)
  std::string model_type;         // config.json's, decides the class when no file names it
  FastPaths fast;
};

class Tokenizer {
 public:
  // Reusable buffers of one thread; cheap to make, grows to the largest text seen.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class Tokenizer;
    friend struct TokenizerImpl;
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
  };

  // As the reference's AutoTokenizer sets up a model folder (tokenizers.md 1): tokenizer.json, else
  // vocab.json + merges.txt, else vocab.txt, with tokenizer_config.json and its companions.
  // Errors: FAILED_PRECONDITION naming file, key and value.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromFolder(
      const std::filesystem::path& directory, const FolderTokenizerOptions& options);
  // A lone tokenizer.json as it stands; its truncation and padding are off.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromFile(
      const std::filesystem::path& tokenizer_json, const FastPaths& fast = {});
  // The same from the file's text; `name` appears in errors.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromJson(std::string_view json,
                                                                   std::string name,
                                                                   const FastPaths& fast = {});

  virtual ~Tokenizer() = default;

  // Longer texts are refused: the work on one text cannot be divided, and its buffers take up to 16
  // times the size of its normal form.
  static constexpr std::size_t kMaxTextBytes = std::size_t{1} << 25;

  // Appends each text to `out`. Texts must be valid UTF-8 (any scalar, NUL too); else
  // INVALID_ARGUMENT naming the text's index and the byte offset, and `out` is as it was. The same
  // for a text beyond kMaxTextBytes, one whose normal form is far longer than itself, and for more
  // ids than TokenBatch::ends can count.
  virtual absl::Status Encode(std::span<const std::string_view> texts,
                              const TokenizeOptions& options, Scratch& scratch,
                              TokenBatch& out) const = 0;

  // Appends each pair to `out` as the post-processor joins two texts. Errors as above, naming
  // "pairs[3].first", and where pair_truncation would leave nothing of the text that it cuts.
  virtual absl::Status EncodePairs(std::span<const TextPair> pairs, const TokenizeOptions& options,
                                   Scratch& scratch, PairBatch& out) const = 0;

  virtual int special_tokens() const = 0;                // added to one text
  virtual int vocabulary_size() const = 0;               // 1 + the largest id that Encode can give
  virtual std::string_view Token(int32_t id) const = 0;  // as the vocabulary spells it; "" if none
  // True if a text's last token is a special one (the SEP of "CLS A SEP").
  virtual bool ends_with_special_token() const = 0;
  virtual std::optional<int64_t> model_max_length() const = 0;  // tokenizer_config.json
  virtual TruncationSide default_truncation_side() const = 0;
  virtual const std::vector<std::string>& warnings() const = 0;  // to be logged once at load
};

// What an error of a call with one text or pair says behind the path that names it ("texts[0]",
// "pairs[0]"): for callers with names of their own. nullopt if it begins with no such path.
std::optional<std::string_view> BehindOwnPath(std::string_view message);

// Byte offset of the first byte that is not part of valid UTF-8, or nullopt.
std::optional<std::size_t> FirstInvalidUtf8(std::string_view text);

}  // namespace embedserve
