// Which shortcuts a tokenizer takes. All give the same ids; tests switch them off one by one and
// compare, a user has no reason to.
#pragma once

namespace embedserve {

enum class SimdLevel { kScalar, kAvx2, kAvx512 };

// The widest that this machine has.
SimdLevel BestSimdLevel();

struct FastPaths {
  bool block_scan = true;               // word bounds many at a time, from class masks
  SimdLevel simd = SimdLevel::kAvx512;  // at most; the machine may have less
  bool word_cache = true;               // each Scratch remembers words
  bool seeds = true;        // the tokenizer knows the words of its vocabulary from load on
  bool split_words = true;  // BPE: cut a word where no merge can join
  bool plain_runs = true;   // normaliser: what it leaves as it is goes by without its tables

  static FastPaths None() { return {false, SimdLevel::kScalar, false, false, false, false}; }
};

}  // namespace embedserve
