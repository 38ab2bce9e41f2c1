// The loop over the words of a text: scanner -> cache -> ids. A miss leaves it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/tokenizer/word_cache.h"
#include "model/tokenizer/word_scanner.h"

namespace embedserve {

// Asks memory for the places in `cache` of some words of a padded text, from `first` on; returns
// the first word that was not taken.
inline std::size_t PrefetchWords(std::string_view text, const WordBounds& words, std::size_t first,
                                 const WordCache& cache) {
  constexpr std::size_t kAhead = 8;
  const std::size_t end = std::min(first + kAhead, words.count);
  for (std::size_t i = first; i < end; ++i) {
    const std::size_t size = words.ends[i] - words.begins[i];
    if (size > WordKey::kMaxBytes) continue;
    cache.Prefetch(WordKey::Padded(text.data() + words.begins[i], size).Hash());
  }
  return end;
}

// Appends the ids of the words of `text` (padded) that `scanner` finds: from `cache`, or else
// by miss(word, own), which appends to `own` (a buffer, empty at that time). May stop after a word
// once there are more than `enough` ids in all.
template <typename Scanner, typename Miss>
void AppendScanned(Scanner& scanner, std::string_view text, std::size_t enough, WordCache& cache,
                   std::vector<int32_t>& own, std::vector<int32_t>& ids, Miss&& miss) {
  std::size_t size = ids.size();
  for (WordBounds words = scanner.Next(); words.count > 0 && size <= enough;
       words = scanner.Next()) {
    // Room for all words of the chunk, so that the loop stores without asking.
    ids.resize(size + words.count * WordTable::kMaxIds);
    const auto behind_enough = [&] { return ids.data() + std::min(enough, ids.size() - 1) + 1; };
    int32_t* out = ids.data() + size;
    const int32_t* stop = behind_enough();
    std::size_t ahead = 0;  // words before this one were asked for
    for (std::size_t i = 0; i < words.count && out < stop; ++i) {
      const std::string_view word(text.data() + words.begins[i], words.ends[i] - words.begins[i]);
      int32_t* end = nullptr;
      if (word.size() <= WordKey::kMaxBytes) end = cache.FindUsed(word.data(), word.size(), out);
      if (end == nullptr) {
        // One unknown word is seldom alone: what the next ones need comes while this one is made.
        if (i >= ahead) ahead = PrefetchWords(text, words, i + 1, cache);
        own.clear();
        if (!cache.AppendUnused(word, own)) miss(word, own);
        size = static_cast<std::size_t>(out - ids.data());
        const std::size_t others = (words.count - i - 1) * WordTable::kMaxIds;
        if (ids.size() < size + own.size() + others) ids.resize(size + own.size() + others);
        end = std::copy(own.begin(), own.end(), ids.data() + size);
        stop = behind_enough();
      }
      out = end;
    }
    size = static_cast<std::size_t>(out - ids.data());
  }
  ids.resize(size);
}

}  // namespace embedserve
