#include "model/tokenizer/word_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

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

void WordTable::Release::operator()(Line* lines) const {
  if (mapped == 0) return ::operator delete[](lines, std::align_val_t(alignof(Line)));
  munmap(static_cast<char*>(static_cast<void*>(lines)) - before, mapped);
}

// All entries empty. A table as large as a huge page begins at one, for its places are visited in
// no order; its pages come zeroed, when they are touched.
WordTable::Lines WordTable::NewLines(std::size_t count) {
  constexpr std::size_t kHugePage = std::size_t{1} << 21;
  const std::size_t bytes = count * sizeof(Line);
  if (bytes < kHugePage) return {new Line[count](), Release()};
  const std::size_t mapped = bytes + kHugePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const std::size_t before =
      (kHugePage - reinterpret_cast<std::uintptr_t>(memory) % kHugePage) % kHugePage;
  void* begin = static_cast<char*>(memory) + before;
  madvise(begin, bytes, MADV_HUGEPAGE);  // advice may be refused
  return {static_cast<Line*>(begin), Release(before, mapped)};
}

void WordTable::Allocate(unsigned entries_log2, unsigned most_log2) {
  lines_ = NewLines(std::size_t{1} << (entries_log2 - 1));
  shift_ = 64 - (entries_log2 - 1);
  entries_log2_ = entries_log2;
  most_log2_ = most_log2;
  put_ = 0;
}

void WordTable::Grow() {
  const Lines old = std::move(lines_);
  const std::size_t count = std::size_t{1} << (entries_log2_ - 1);
  Allocate(std::min(entries_log2_ + 2, most_log2_), most_log2_);
  const auto move = [this](const Entry& entry) {
    if (entry.key.high != 0) Store(entry.key.WithoutMark().Hash(), entry);
  };
  for (std::size_t i = 0; i < count; ++i) {
    move(old[i].entries[1]);
    move(old[i].entries[0]);  // the newer last
  }
}

void WordTable::Store(uint64_t hash, const Entry& entry) {
  Line& line = lines_[hash >> shift_];
  if (line.entries[0].key.high != 0) line.entries[1] = line.entries[0];
  line.entries[0] = entry;
}

void WordTable::PutAt(uint64_t hash, const WordKey& key, std::span<const int32_t> ids) {
  if (++put_ > std::size_t{1} << (entries_log2_ - 2) && entries_log2_ < most_log2_) Grow();
  Entry entry = {key, {}};
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
  const auto last = static_cast<uint32_t>(entry.ids[kMaxIds - 1]);
  entry.ids[kMaxIds - 1] = static_cast<int32_t>(last | static_cast<uint32_t>(ids.size()) << 24);
  Store(hash, entry);
}

}  // namespace embedserve
