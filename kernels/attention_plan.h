// Which pieces of work attention over a packed batch consists of. Host only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace embedserve::kernels {

// Sequences up to these lengths take one warp a head, holding all of the sequence; longer ones
// blocks of kQueryBlock query rows.
inline constexpr int kShortSequence = 32;
inline constexpr int kMediumSequence = 64;
inline constexpr int kQueryBlock = 64;

// A piece of work: one sequence, or one block of a long one's query rows, for all heads.
struct AttentionItem {
  int32_t row = 0;          // of the sequence's first token
  int32_t length = 0;       // tokens of the sequence; 0 = nothing to do
  int32_t sequence = 0;     // its index in the batch
  int32_t first_query = 0;  // first query row of this block within the sequence
};

// The work of a batch on the host. How a sequence is computed depends on its own length alone, so
// its bits do not depend on its neighbours.
struct AttentionPlan {
  std::vector<AttentionItem> short_items;   // length <= kShortSequence
  std::vector<AttentionItem> medium_items;  // length <= kMediumSequence
  std::vector<AttentionItem> long_items;    // longest first: the last to finish started first

  // Replaces the contents; keeps capacity. Sequence b is [offsets[b], offsets[b + 1]).
  void Build(std::span<const int32_t> offsets);
  // Most medium and long items that a batch of so many tokens can have.
  static int MostMediumItems(int tokens) { return tokens / (kShortSequence + 1); }
  static int MostLongItems(int tokens) {
    return tokens / (kMediumSequence + 1) + tokens / kQueryBlock;
  }
};

}  // namespace embedserve::kernels
