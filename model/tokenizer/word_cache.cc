#include "model/tokenizer/word_cache.h"

#include <algorithm>
#include <cstring>

namespace embedserve {

void WordCache::BelongTo(const Owner& owner) {
  if (owner_.tokenizer == owner.tokenizer) return;
  owner_ = owner;
  words_.Allocate(owner.enabled ? kFirstEntriesLog2 : 2, owner.enabled ? kEntriesLog2 : 2);
  long_words_.clear();
}

WordCache::LongKey WordCache::LongKeyOf(std::string_view word) {
  LongKey key = {};
  std::memcpy(key.data(), word.data(), word.size());
  return key;
}

std::size_t WordCache::LongSlot(const LongKey& key, std::size_t size) const {
  uint64_t hash = size;
  for (std::size_t i = 0; i < kLongParts; i += 2) {
    hash ^= WordKey{key[i] + hash, key[i + 1]}.Hash();
  }
  return static_cast<std::size_t>(hash >> (64 - long_entries_log2_));
}

bool WordCache::Append(std::string_view word, std::vector<int32_t>& ids) {
  if (word.size() > WordKey::kMaxBytes) return AppendLong(word, ids);
  const WordKey key = WordKey::Of(word);
  const uint64_t hash = key.Hash();
  std::array<int32_t, WordTable::kMaxIds> found;
  if (const int32_t* end = words_.Find(key, hash, found.data())) {
    ids.insert(ids.end(), static_cast<const int32_t*>(found.data()), end);
    return true;
  }
  return AppendUnused(key, hash, word, ids);
}

bool WordCache::AppendUnused(std::string_view word, std::vector<int32_t>& ids) {
  if (word.size() > WordKey::kMaxBytes) return AppendLong(word, ids);
  const WordKey key = WordKey::Of(word);
  return AppendUnused(key, key.Hash(), word, ids);
}

// A seed that is used moves in, so that common words are found at the first look.
bool WordCache::AppendUnused(const WordKey& key, uint64_t hash, std::string_view word,
                             std::vector<int32_t>& ids) {
  if (words_.Marked(key, hash) && AppendLong(word, ids)) return true;
  if (owner_.seeds == nullptr) return false;
  std::array<int32_t, WordTable::kMaxIds> found;
  const int32_t* end = owner_.seeds->Find(key, hash, found.data());
  if (end == nullptr) return false;
  const std::span some(static_cast<const int32_t*>(found.data()), end);
  if (owner_.enabled) words_.Put(key, some);
  ids.insert(ids.end(), some.begin(), some.end());
  return true;
}

bool WordCache::AppendLong(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() > kMaxWord || long_words_.empty()) return false;
  const LongKey key = LongKeyOf(word);
  const LongEntry& entry = long_words_[LongSlot(key, word.size())];
  if (entry.size != word.size() || entry.key != key) return false;
  ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
  return true;
}

void WordCache::Put(std::string_view word, std::span<const int32_t> ids) {
  if (!owner_.enabled || word.empty() || word.size() > kMaxWord || ids.size() > kMaxIds) return;
  if (word.size() <= WordKey::kMaxBytes) {
    const WordKey key = WordKey::Of(word);
    if (ids.size() <= WordTable::kMaxIds) return words_.Put(key, ids);
    // A collision may have taken the ids and left the mark.
    if (!words_.Marked(key, key.Hash())) words_.Mark(key);
  }
  if (long_words_.empty() || ++long_put_ > long_words_.size() / 2) GrowLong();
  const LongKey key = LongKeyOf(word);
  LongEntry& entry = long_words_[LongSlot(key, word.size())];
  entry.key = key;
  entry.size = static_cast<uint16_t>(word.size());
  entry.count = static_cast<uint16_t>(ids.size());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
}

void WordCache::GrowLong() {
  long_put_ = 0;
  if (long_words_.size() == std::size_t{1} << kLongEntriesLog2) return;
  long_entries_log2_ = long_words_.empty() ? kFirstLongEntriesLog2 : long_entries_log2_ + 2;
  std::vector<LongEntry> old(std::size_t{1} << long_entries_log2_);
  old.swap(long_words_);
  for (const LongEntry& entry : old) {
    if (entry.size > 0) long_words_[LongSlot(entry.key, entry.size)] = entry;
  }
}

}  // namespace embedserve
