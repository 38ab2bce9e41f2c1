#include "model/tokenizer/seeds.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace embedserve {

Seeds::Seeds(const Vocabulary& vocabulary, const Encode& encode) {
  std::vector<std::pair<int32_t, std::string_view>> tokens;
  for (const auto& [token, id] : vocabulary.entries()) tokens.emplace_back(id, token);
  // The table keeps what came last.
  std::sort(tokens.begin(), tokens.end(), std::greater<>());
  const auto entries_log2 = static_cast<unsigned>(std::bit_width(2 * tokens.size() + 1));
  words_.Allocate(entries_log2, entries_log2);
  filter_.Reserve(tokens.size());
  std::vector<int32_t> ids;
  for (const auto& [id, token] : tokens) {
    ids.clear();
    const std::string word = encode(token, ids);
    if (word.empty() || word.size() > WordKey::kMaxBytes || ids.size() > WordTable::kMaxIds) {
      continue;
    }
    const WordKey key = WordKey::Of(word);
    words_.Put(key, ids);
    filter_.Put(key.Hash());
  }
}

}  // namespace embedserve
