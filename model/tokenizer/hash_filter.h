// A set of hashes that may hold more than was put in: one bit each, eight bits and more for each
// hash, so that a "no", right for nine of ten that are not there, costs nearer memory than the
// table behind it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace embedserve {

class HashFilter {
 public:
  // Empty, for about `count` hashes whose upper bits and lowest six are random.
  void Reserve(std::size_t count) {
    words_.assign(std::bit_ceil(count / 8 + 2), 0);
    shift_ = 64 - static_cast<unsigned>(std::countr_zero(words_.size()));
  }
  void Put(uint64_t hash) { words_[hash >> shift_] |= uint64_t{1} << (hash & 63); }
  bool MayHold(uint64_t hash) const { return words_[hash >> shift_] >> (hash & 63) & 1; }

 private:
  std::vector<uint64_t> words_;
  unsigned shift_ = 0;
};

}  // namespace embedserve
