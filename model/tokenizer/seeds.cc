#include "model/tokenizer/seeds.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace embedserve {

WordTable SeedsOf(
    const Vocabulary& vocabulary,
    const std::function<std::string(std::string_view token, std::vector<int32_t>& ids)>& encode) {
  std::vector<std::pair<int32_t, std::string_view>> tokens;
  for (const auto& [token, id] : vocabulary.entries()) tokens.emplace_back(id, token);
  // The table keeps what came last.
  std::sort(tokens.begin(), tokens.end(), std::greater<>());
  WordTable table;
  table.Allocate(static_cast<unsigned>(std::bit_width(2 * tokens.size() + 1)));
  std::vector<int32_t> ids;
  for (const auto& [id, token] : tokens) {
    ids.clear();
    const std::string word = encode(token, ids);
    if (word.empty() || word.size() > WordKey::kMaxBytes || ids.size() > WordTable::kMaxIds) {
      continue;
    }
    table.Put(WordKey::Of(word), ids);
  }
  return table;
}

}  // namespace embedserve
