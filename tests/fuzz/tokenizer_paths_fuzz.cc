// A text of arbitrary bytes through the fast paths and through the plain ones: the same ids, or the
// same error. Input: which tokenizer, the limit, the text.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"
#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// One tokenizer in all variants, each with a Scratch that lives on: its cache fills with the run.
class Subject {
 public:
  Subject(const char* base, const char* patch) {
    FastPaths narrow;
    narrow.simd = SimdLevel::kScalar;
    FastPaths uncached;
    uncached.word_cache = false;
    uncached.seeds = false;
    FastPaths whole;
    whole.split_words = false;
    whole.plain_runs = false;
    for (const FastPaths& fast : {FastPaths::None(), FastPaths(), narrow, uncached, whole}) {
      auto tokenizer = SmallTokenizer(base, nlohmann::json::parse(patch), fast);
      Require(tokenizer.ok());
      variants_.push_back({*std::move(tokenizer), Tokenizer::Scratch()});
    }
  }

  void Compare(std::string_view text, int limit) {
    const std::array<std::string_view, 2> texts = {"a B <mask>", text};
    const TokenizeOptions options{.max_length = limit};
    TokenBatch expected;
    absl::Status expected_status;
    for (std::size_t i = 0; i < variants_.size(); ++i) {
      TokenBatch batch;
      const absl::Status status =
          variants_[i].tokenizer->Encode(texts, options, variants_[i].scratch, batch);
      if (i == 0) {
        expected = batch;
        expected_status = status;
        if (limit == 0) Require(status.ok() == !FirstInvalidUtf8(text).has_value());
        continue;
      }
      Require(status == expected_status);
      Require(batch.ids == expected.ids);
      Require(batch.ends == expected.ends);
      Require(batch.truncated == expected.truncated);
    }
  }

 private:
  struct Variant {
    std::unique_ptr<const Tokenizer> tokenizer;
    Tokenizer::Scratch scratch;
  };
  std::vector<Variant> variants_;
};

void Fuzz(std::string_view input) {
  static std::vector<Subject>& subjects = *new std::vector<Subject>([] {
    std::vector<Subject> made;
    made.emplace_back("byte_level", "{}");
    made.emplace_back("byte_level", R"({"pre_tokenizer": {"add_prefix_space": true}})");
    made.emplace_back("byte_level", R"({"model": {"ignore_merges": true}})");
    made.emplace_back("word_piece_uncased", "{}");
    made.emplace_back("word_piece_cased", "{}");
    made.emplace_back("unigram", "{}");
    made.emplace_back("unigram", R"({"pre_tokenizer": {"type": "Metaspace", "pretokenizers": null,
        "replacement": "\u2581", "prepend_scheme": "always", "split": true}})");
    return made;
  }());
  if (input.size() < 2) return;
  const auto which = static_cast<unsigned char>(input[0]);
  const auto limit = static_cast<unsigned char>(input[1]);
  subjects[which % subjects.size()].Compare(input.substr(2), limit);
}

}  // namespace
}  // namespace embedserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  embedserve::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
