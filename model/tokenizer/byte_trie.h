// A set of strings with one value each, as a double array: one memory access per byte of a look-up.
// Immutable after Build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace embedserve {

class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNowhere = 0xFFFFFFFF;
  static constexpr int32_t kNoValue = -1;

  // Values must be >= 0; of equal keys the last counts. The empty key is allowed.
  static ByteTrie Build(std::vector<std::pair<std::string, int32_t>> entries);

  // The node one byte further, or kNowhere.
  Node Step(Node node, unsigned char byte) const {
    const Node child = units_[node].base ^ byte;
    return units_[child].parent == node ? child : kNowhere;
  }
  // The node reached from the root, or kNowhere.
  Node Walk(std::string_view key) const;
  int32_t value(Node node) const { return units_[node].value; }

  struct Match {
    std::size_t size = 0;  // bytes; 0 = no match
    int32_t value = kNoValue;
  };
  // The longest non-empty key below `from` that `text` begins with.
  Match LongestPrefix(Node from, std::string_view text) const {
    Match match;
    Node node = from;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = Step(node, static_cast<unsigned char>(text[i]));
      if (node == kNowhere) break;
      if (units_[node].value != kNoValue) match = {i + 1, units_[node].value};
    }
    return match;
  }

 private:
  // A node's children stand at base ^ byte, hence all in one block of 256 units; a unit belongs to
  // the node that is its parent.
  struct Unit {
    uint32_t base = 0;
    Node parent = kNowhere;
    int32_t value = kNoValue;
  };
  class Builder;

  std::vector<Unit> units_;
};

}  // namespace embedserve
