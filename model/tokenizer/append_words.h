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
    int32_t* out = ids.data() + size;
    for (std::size_t i = 0; i < words.count; ++i) {
      if (static_cast<std::size_t>(out - ids.data()) > enough) break;
      const char* const word = text.data() + words.begins[i];
      const std::size_t bytes = words.ends[i] - words.begins[i];
      int32_t* end = nullptr;
      if (bytes <= WordKey::kMaxBytes) end = cache.FindShort(word, bytes, out);
      if (end == nullptr) {
        own.clear();
        if (!cache.AppendLong({word, bytes}, own)) miss(std::string_view(word, bytes), own);
        size = static_cast<std::size_t>(out - ids.data());
        const std::size_t others = (words.count - i - 1) * WordTable::kMaxIds;
        if (ids.size() < size + own.size() + others) ids.resize(size + own.size() + others);
        end = std::copy(own.begin(), own.end(), ids.data() + size);
      }
      out = end;
    }
    size = static_cast<std::size_t>(out - ids.data());
  }
  ids.resize(size);
}

}  // namespace embedserve
