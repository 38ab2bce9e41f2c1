#include "model/tokenizer/word_cache.h"

#include <algorithm>
#include <cstring>

namespace embedserve {

void WordCache::BelongTo(const Owner& owner) {
  if (owner_.tokenizer == owner.tokenizer) return;
  owner_ = owner;
  words_.Allocate(owner.enabled ? kEntriesLog2 : 2);
  long_words_.clear();
}

// A seed that is used moves in, so that common words are found at the first look.
int32_t* WordCache::FindSeed(const WordKey& key, int32_t* out) {
  if (owner_.seeds == nullptr) return nullptr;
  int32_t* end = owner_.seeds->Find(key, out);
  if (end != nullptr && owner_.enabled) words_.Put(key, std::span(out, end));
  return end;
}

WordCache::LongKey WordCache::LongKeyOf(std::string_view word) {
  LongKey key = {};
  std::memcpy(key.data(), word.data(), word.size());
  return key;
}

WordCache::LongEntry& WordCache::LongSlot(const LongKey& key, std::size_t size) {
  uint64_t hash = size;
  for (std::size_t i = 0; i < kLongParts; i += 2) {
    hash ^= WordKey{key[i] + hash, key[i + 1]}.Hash();
  }
  return long_words_[static_cast<std::size_t>(hash >> (64 - kLongEntriesLog2))];
}

bool WordCache::Append(std::string_view word, std::vector<int32_t>& ids) {
  if (word.size() <= WordKey::kMaxBytes) {
    const WordKey key = WordKey::Of(word);
    std::array<int32_t, WordTable::kMaxIds> found;
    const int32_t* end = words_.Find(key, found.data());
    if (end == nullptr) end = FindSeed(key, found.data());
    if (end != nullptr) {
      ids.insert(ids.end(), static_cast<const int32_t*>(found.data()), end);
      return true;
    }
  }
  return AppendLong(word, ids);
}

bool WordCache::AppendLong(std::string_view word, std::vector<int32_t>& ids) {
  if (word.size() > kMaxWord || long_words_.empty()) return false;
  const LongKey key = LongKeyOf(word);
  const LongEntry& entry = LongSlot(key, word.size());
  if (entry.size != word.size() || entry.key != key) return false;
  ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
  return true;
}

void WordCache::Put(std::string_view word, std::span<const int32_t> ids) {
  if (!owner_.enabled || word.empty() || word.size() > kMaxWord || ids.size() > kMaxIds) return;
  if (word.size() <= WordKey::kMaxBytes && ids.size() <= WordTable::kMaxIds) {
    return words_.Put(WordKey::Of(word), ids);
  }
  if (long_words_.empty()) long_words_.resize(std::size_t{1} << kLongEntriesLog2);
  const LongKey key = LongKeyOf(word);
  LongEntry& entry = LongSlot(key, word.size());
  entry.key = key;
  entry.size = static_cast<uint16_t>(word.size());
  entry.count = static_cast<uint16_t>(ids.size());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
}

}  // namespace embedserve
