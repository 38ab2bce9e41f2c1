#include "model/tokenizer/pair_truncation.h"

#include <algorithm>
#include <utility>

namespace embedserve {
namespace {

// The shorter text stays whole as long as the longer one can be cut to its length; then they share.
PairLengths TruncateLongest(PairLengths lengths, std::size_t room) {
  const bool swapped = lengths.first > lengths.second;
  if (swapped) std::swap(lengths.first, lengths.second);
  auto& [shorter, longer] = lengths;
  longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = room - shorter;
  }
  if (swapped) std::swap(lengths.first, lengths.second);
  return lengths;
}

}  // namespace

std::optional<PairLengths> TruncatePair(PairLengths lengths, std::size_t room, PairTruncation how) {
  if (room == 0) return PairLengths{0, 0};  // the reference: whatever may be cut
  if (lengths.first + lengths.second <= room) return lengths;
  const std::size_t excess = lengths.first + lengths.second - room;
  switch (how) {
    case PairTruncation::kLongestFirst:
      return TruncateLongest(lengths, room);
    case PairTruncation::kOnlyFirst:
      if (lengths.first <= excess) return std::nullopt;
      return PairLengths{lengths.first - excess, lengths.second};
    case PairTruncation::kOnlySecond:
      if (lengths.second <= excess) return std::nullopt;
      return PairLengths{lengths.first, lengths.second - excess};
  }
  return std::nullopt;
}

}  // namespace embedserve
