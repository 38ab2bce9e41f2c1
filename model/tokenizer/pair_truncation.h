// How two texts share a limit (tokenizers.md 2.5).
#pragma once

#include <cstddef>
#include <optional>

#include "model/tokenizer/tokenizer.h"

namespace embedserve {

// Numbers of ids of the two texts of a pair.
struct PairLengths {
  std::size_t first;
  std::size_t second;
  bool operator==(const PairLengths&) const = default;
};

// What stays of `lengths` where both together may have `room`. nullopt if the one text that may be
// cut would be cut to nothing, or would have to be shorter than that.
std::optional<PairLengths> TruncatePair(PairLengths lengths, std::size_t room, PairTruncation how);

}  // namespace embedserve
