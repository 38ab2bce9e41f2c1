// Every fast path gives the ids of the plain one, alone and together with the others.
#include "model/tokenizer/fast_paths.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/model/tokenizer/goldens.h"

namespace embedserve {
namespace {

struct Variant {
  const char* name;
  FastPaths fast;
};

std::vector<Variant> Variants() {
  std::vector<Variant> variants = {{"all", {}}};
  const auto without = [&](const char* name, auto change) {
    FastPaths fast;
    change(fast);
    variants.push_back({name, fast});
    FastPaths alone = FastPaths::None();
    alone.block_scan = fast.block_scan;
    variants.push_back({name, alone});
  };
  without("no block scan", [](FastPaths& fast) { fast.block_scan = false; });
  without("scalar", [](FastPaths& fast) { fast.simd = SimdLevel::kScalar; });
  without("AVX2", [](FastPaths& fast) { fast.simd = SimdLevel::kAvx2; });
  without("no cache", [](FastPaths& fast) { fast.word_cache = false; });
  without("no seeds", [](FastPaths& fast) { fast.seeds = false; });
  without("whole words", [](FastPaths& fast) { fast.split_words = false; });
  without("no plain runs", [](FastPaths& fast) { fast.plain_runs = false; });
  return variants;
}

// Texts that meet every branch: those of the goldens, alone and joined at random to some hundred
// bytes, so that words cross the edges of blocks.
std::vector<std::string> Texts() {
  std::vector<std::string> texts;
  const nlohmann::json goldens = ReadTestdata("goldens.json");
  for (const nlohmann::json& set : goldens["sets"]) {
    for (const nlohmann::json& golden : set["cases"]) texts.push_back(golden[0].get<std::string>());
  }
  const std::size_t count = texts.size();
  EXPECT_GT(count, 500u);
  const std::vector<std::string> glue = {"", "", " ", "  ", "\n", "'", "'s", ".", "\u3000", "x"};
  std::mt19937 random(3);
  for (int i = 0; i < 1500; ++i) {
    std::string text;
    const std::size_t parts = 1 + random() % (i % 50 == 0 ? 200 : 12);
    for (std::size_t part = 0; part < parts; ++part) {
      text += texts[random() % count] + glue[random() % glue.size()];
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

using Load = std::function<absl::StatusOr<std::unique_ptr<const Tokenizer>>(const FastPaths&)>;

void ExpectAllAgree(const Load& load) {
  const std::vector<std::string> texts = Texts();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto plain = load(FastPaths::None());
  ASSERT_TRUE(plain.ok()) << plain.status();
  for (const int limit : {0, 9}) {
    const TokenizeOptions options{.max_length = limit};
    TokenBatch expected;
    Tokenizer::Scratch plain_scratch;
    ASSERT_TRUE((*plain)->Encode(views, options, plain_scratch, expected).ok());
    for (const auto& [name, fast] : Variants()) {
      const auto tokenizer = load(fast);
      ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
      Tokenizer::Scratch scratch;
      for (const char* state : {"empty cache", "filled cache"}) {
        TokenBatch batch;
        ASSERT_TRUE((*tokenizer)->Encode(views, options, scratch, batch).ok());
        ASSERT_EQ(batch.size(), expected.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
          ASSERT_EQ(std::vector<int32_t>(batch[i].begin(), batch[i].end()),
                    std::vector<int32_t>(expected[i].begin(), expected[i].end()))
              << name << ", " << state << ", limit " << limit << ": " << texts[i];
        }
        ASSERT_EQ(batch.truncated, expected.truncated) << name;
      }
    }
  }
}

TEST(FastPathsTest, SmallTokenizers) {
  for (const char* base : {"word_piece_uncased", "word_piece_cased", "byte_level", "unigram"}) {
    SCOPED_TRACE(base);
    ExpectAllAgree([&](const FastPaths& fast) { return SmallTokenizer(base, {}, fast); });
  }
}

TEST(FastPathsTest, ByteLevelSettings) {
  for (const char* patch : {R"({"pre_tokenizer": {"add_prefix_space": true}})",
                            R"({"model": {"ignore_merges": true}})"}) {
    SCOPED_TRACE(patch);
    ExpectAllAgree([&](const FastPaths& fast) {
      return SmallTokenizer("byte_level", nlohmann::json::parse(patch), fast);
    });
  }
}

TEST(FastPathsTest, UnigramSettings) {
  // Metaspace alone; words without marks; a map, then steps over strings and characters.
  for (const char* patch :
       {R"({"pre_tokenizer": {"type": "Metaspace", "pretokenizers": null, "replacement": "\u2581",
            "prepend_scheme": "always", "split": true}})",
        R"({"pre_tokenizer": {"pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace",
            "replacement": "\u2581", "prepend_scheme": "never", "split": false}]}})",
        R"({"model": {"byte_fallback": true}, "normalizer": null})"}) {
    SCOPED_TRACE(patch);
    ExpectAllAgree([&](const FastPaths& fast) {
      return SmallTokenizer("unigram", nlohmann::json::parse(patch), fast);
    });
  }
}

TEST(FastPathsTest, PublishedVocabularies) {
  const std::vector<std::filesystem::path> files = PublishedTokenizers();
  if (files.empty()) GTEST_SKIP() << "no published vocabularies in ../shared/data";
  for (const std::filesystem::path& file : files) {
    SCOPED_TRACE(file);
    ExpectAllAgree([&](const FastPaths& fast) { return Tokenizer::FromFile(file, fast); });
  }
}

}  // namespace
}  // namespace embedserve
