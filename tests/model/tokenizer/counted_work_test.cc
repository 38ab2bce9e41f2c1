// Twice the text, about twice the work, for texts that make careless code quadratic; counted, for a
// clock's word depends on the neighbours. The model's sources are compiled once more for this test
// with a call at the head of each basic block, and the bytes that they copy, fill or search count
// by sixteens. Memory is counted by what operator new gives out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/tokenizer/goldens.h"

namespace {

uint64_t work = 0;
std::size_t allocated = 0;
std::size_t most_allocated = 0;

// The size stands in front of the block.
void* Allocate(std::size_t size, std::size_t alignment) {
  void* block = std::aligned_alloc(alignment, (size + 2 * alignment - 1) / alignment * alignment);
  if (block == nullptr) throw std::bad_alloc();
  std::memcpy(block, &size, sizeof(size));
  allocated += size;
  most_allocated = std::max(most_allocated, allocated);
  return static_cast<char*>(block) + alignment;
}

void Free(void* memory, std::size_t alignment) {
  if (memory == nullptr) return;
  void* block = static_cast<char*>(memory) - alignment;
  std::size_t size = 0;
  std::memcpy(&size, block, sizeof(size));
  allocated -= size;
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size, 16); }
void operator delete(void* memory) noexcept { Free(memory, 16); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory, std::align_val_t alignment) noexcept {
  Free(memory, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  Free(memory, static_cast<std::size_t>(alignment));
}

// NOLINTBEGIN(bugprone-reserved-identifier): names that the compiler and the linker give
extern "C" {
void __sanitizer_cov_trace_pc() { ++work; }
void* __real_memcpy(void* to, const void* from, std::size_t size);
void* __real_memmove(void* to, const void* from, std::size_t size);
void* __real_memset(void* to, int byte, std::size_t size);
void* __real_memchr(const void* text, int byte, std::size_t size);
void* __wrap_memcpy(void* to, const void* from, std::size_t size) {
  work += size / 16;
  return __real_memcpy(to, from, size);
}
void* __wrap_memmove(void* to, const void* from, std::size_t size) {
  work += size / 16;
  return __real_memmove(to, from, size);
}
void* __wrap_memset(void* to, int byte, std::size_t size) {
  work += size / 16;
  return __real_memset(to, byte, size);
}
void* __wrap_memchr(const void* text, int byte, std::size_t size) {
  void* found = __real_memchr(text, byte, size);
  work += (found == nullptr ? size
                            : static_cast<std::size_t>(static_cast<const char*>(found) -
                                                       static_cast<const char*>(text))) /
          16;
  return found;
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace embedserve {
namespace {

struct Adversary {
  std::string name;
  std::string repeated;
};

std::vector<Adversary> Adversaries(const Tokenizer& tokenizer) {
  std::vector<Adversary> adversaries = {
      {"one letter", "a"},
      {"spaces", " "},
      {"apostrophes", "'"},
      {"marks", "\u0301\u0316"},
      {"a letter, marks", "e\u0301\u0302\u0323\u0315"},
      {"U+2581", "\u2581"},
      {"ideographs", "\u4e2d\u6587\u5b57\u7b26"},
      {"Hangul", "\ud55c\uad6d\uc5b4"},
      {"joined emoji", "\U0001f469\u200d"},
      {"conjuncts", "\u0915\u094d\u200d"},
      {"mapped", "\u2122\u00bd\ufb01\u0340"},
      {"nothing is left", "\u200b\u00ad\x01"},
      {"controls", std::string("\0\x7f\x1c", 3)},
      {"nearly an added token", "<mas"},
      {"unknown", "\U000e0041\U0010ffff"},
  };
  std::string letters;
  std::string words;
  uint32_t random = 1;
  for (int i = 0; i < 4096; ++i) {
    random = random * 1664525 + 1013904223;
    letters += static_cast<char>('a' + (random >> 16) % 26);
    words += static_cast<char>("etaoins  "[(random >> 16) % 9]);
  }
  adversaries.push_back({"no space", letters});
  adversaries.push_back({"words", words});
  std::string tokens;
  for (int32_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::string_view token = tokenizer.Token(id);
    if (!token.empty() && (token.front() == '<' || token.front() == '[')) tokens += token;
  }
  adversaries.push_back({"every token in brackets", tokens});
  return adversaries;
}

struct Cost {
  uint64_t work;
  std::size_t memory;
};

Cost CostOf(const Tokenizer& tokenizer, std::string_view text) {
  const uint64_t work_before = work;
  const std::size_t memory_before = most_allocated = allocated;
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  EXPECT_TRUE(tokenizer.Encode(std::span(&text, 1), {}, scratch, batch).ok());
  return {work - work_before, most_allocated - memory_before};
}

void ExpectLinear(const Tokenizer& tokenizer) {
  constexpr std::size_t kBytes = 1 << 16;
  for (const auto& [name, repeated] : Adversaries(tokenizer)) {
    std::string text;
    while (text.size() < kBytes) text += repeated;
    const Cost once = CostOf(tokenizer, text);
    const Cost twice = CostOf(tokenizer, text + text);
    EXPECT_GT(once.work, kBytes / 64) << name << ": nothing was counted";
    EXPECT_LE(static_cast<double>(twice.work), 2.1 * static_cast<double>(once.work))
        << name << ": " << once.work << " steps, then " << twice.work;
    // Caches become four times as large at a time, vectors twice.
    EXPECT_LE(twice.memory, 3 * once.memory) << name;
    EXPECT_LE(once.memory, 80 * kBytes) << name;
  }
}

TEST(CountedWorkTest, SmallTokenizers) {
  for (const char* base : {"byte_level", "word_piece_uncased", "word_piece_cased", "unigram"}) {
    SCOPED_TRACE(base);
    const auto tokenizer = SmallTokenizer(base);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    ExpectLinear(**tokenizer);
  }
}

TEST(CountedWorkTest, UnigramWithoutSplits) {
  const auto tokenizer =
      SmallTokenizer("unigram", nlohmann::json::parse(R"({"pre_tokenizer": {"type": "Metaspace",
      "pretokenizers": null, "replacement": "\u2581", "prepend_scheme": "always", "split": false}})"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  ExpectLinear(**tokenizer);
}

TEST(CountedWorkTest, PublishedVocabularies) {
  const std::vector<std::filesystem::path> files = PublishedTokenizers();
  if (files.empty()) GTEST_SKIP() << "no published vocabularies in ../shared/data";
  for (const std::filesystem::path& file : files) {
    SCOPED_TRACE(file);
    const auto tokenizer = Tokenizer::FromFile(file);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    ExpectLinear(**tokenizer);
  }
}

}  // namespace
}  // namespace embedserve
