// The words that a tokenizer knows from load on: those of its vocabulary, each with the ids that
// the model itself computes for it. (A token's own id would be wrong where no merge leads to it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/hash_filter.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_table.h"

namespace embedserve {

class Seeds {
 public:
  // encode(token, ids) appends the ids and returns the word that they stand for, or returns "" if
  // the token is no word.
  using Encode = std::function<std::string(std::string_view token, std::vector<int32_t>& ids)>;

  // None.
  Seeds() = default;
  // Where two words want one place, that with the smaller id has it: vocabularies begin with what
  // is frequent.
  Seeds(const Vocabulary& vocabulary, const Encode& encode);
  bool empty() const { return !words_.allocated(); }

  // As WordTable has them; not if empty(). Most words that are asked for are none of the
  // vocabulary.
  void Prefetch(uint64_t hash) const {
    if (filter_.MayHold(hash)) words_.Prefetch(hash);
  }
  int32_t* Find(const WordKey& key, uint64_t hash, int32_t* out) const {
    return filter_.MayHold(hash) ? words_.Find(key, hash, out) : nullptr;
  }

 private:
  HashFilter filter_;
  WordTable words_;
};

}  // namespace embedserve
