#include "model/tokenizer/word_cache.h"

#include <algorithm>
#include <cstring>

namespace embedserve {

void WordCache::BelongTo(uint64_t tokenizer) {
  if (tokenizer_ == tokenizer) return;
  tokenizer_ = tokenizer;
  entries_.assign(std::size_t{1} << kEntriesLog2, Entry());
}

WordCache::Key WordCache::KeyOf(std::string_view word) {
  Key key = {0, 0};
  std::memcpy(key.data(), word.data(), word.size());
  key[1] |= static_cast<uint64_t>(word.size()) << 56;
  return key;
}

std::size_t WordCache::Slot(const Key& key) {
  // Odd multipliers of the splitmix64 finaliser; the top bits are the well mixed ones.
  const uint64_t mixed = (key[0] ^ (key[1] * 0x9E3779B97F4A7C15u)) * 0xBF58476D1CE4E5B9u;
  return static_cast<std::size_t>((mixed ^ mixed >> 32) * 0x94D049BB133111EBu >>
                                  (64 - kEntriesLog2));
}

bool WordCache::Append(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() > kMaxWord) return false;
  const Key key = KeyOf(word);
  const Entry& entry = entries_[Slot(key)];
  if (entry.key != key) return false;
  ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
  return true;
}

void WordCache::Put(std::string_view word, std::span<const int32_t> ids) {
  if (word.size() > kMaxWord || ids.size() > kMaxIds) return;
  const Key key = KeyOf(word);
  Entry& entry = entries_[Slot(key)];
  entry.key = key;
  entry.count = static_cast<uint32_t>(ids.size());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
}

}  // namespace embedserve
