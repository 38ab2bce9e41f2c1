#include "model/tokenizer/word_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace embedserve {

constinit const std::array<WordKey::Mask, WordKey::kMaxBytes + 1> WordKey::kMasks = [] {
  std::array<Mask, kMaxBytes + 1> masks = {};
  for (std::size_t size = 0; size <= kMaxBytes; ++size) {
    const auto ones = [](std::size_t bytes) {
      return bytes >= 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * bytes) - 1;
    };
    masks[size].low = ones(size);
    masks[size].high = ones(size > 8 ? size - 8 : 0);
    masks[size].size = static_cast<uint64_t>(size) << 56;
  }
  return masks;
}();

void WordTable::Unmap::operator()(Line* lines) const {
  munmap(static_cast<char*>(static_cast<void*>(lines)) - before, bytes);
}

// Pages come zeroed, that is with empty entries, and only when they are touched; a table as large
// as a huge page begins at one, for its places are visited in no order.
void WordTable::Allocate(unsigned entries_log2) {
  constexpr std::size_t kHugePage = std::size_t{1} << 21;
  const std::size_t bytes = (std::size_t{1} << entries_log2) * sizeof(Entry);
  const std::size_t mapped = bytes < kHugePage ? bytes : bytes + kHugePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::size_t before = 0;
  if (bytes >= kHugePage) {
    before = (kHugePage - reinterpret_cast<std::uintptr_t>(memory) % kHugePage) % kHugePage;
    madvise(static_cast<char*>(memory) + before, bytes, MADV_HUGEPAGE);  // advice may be refused
  }
  lines_ = std::unique_ptr<Line[], Unmap>(
      static_cast<Line*>(static_cast<void*>(static_cast<char*>(memory) + before)),
      Unmap(before, mapped));
  shift_ = 64 - (entries_log2 - 1);
}

void WordTable::Put(const WordKey& key, std::span<const int32_t> ids) {
  Line& line = lines_[key.Hash() >> shift_];
  if (line.entries[0].key.high != 0) line.entries[1] = line.entries[0];
  Entry& entry = line.entries[0];
  entry.key = key;
  entry.ids = {};
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
  const auto last = static_cast<uint32_t>(entry.ids[kMaxIds - 1]);
  entry.ids[kMaxIds - 1] = static_cast<int32_t>(last | static_cast<uint32_t>(ids.size()) << 24);
}

}  // namespace embedserve
