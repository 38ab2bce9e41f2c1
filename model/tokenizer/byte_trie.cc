#include "model/tokenizer/byte_trie.h"

#include <algorithm>
#include <span>

namespace embedserve {
namespace {

constexpr uint32_t kBlock = 256;
// Blocks before the last that still take children: older ones are nearly full, and searching them
// would make the build quadratic.
constexpr uint32_t kOpenBlocks = 16;

using Entries = std::span<const std::pair<std::string, int32_t>>;

}  // namespace

class ByteTrie::Builder {
 public:
  explicit Builder(std::vector<Unit>& units) : units_(units) {
    AddBlock();
    Take(kRoot);
  }

  // Places the nodes of sorted `entries`, breadth first: keys may be long, and recursion would have
  // no bound of its own.
  void Build(Entries entries) {
    queue_.push_back({kRoot, entries, 0});
    for (std::size_t i = 0; i < queue_.size(); ++i) Place(Task(queue_[i]));
  }

 private:
  // The keys of `entries` agree in their first `depth` bytes, which lead to `node`.
  struct Task {
    Node node;
    Entries entries;
    std::size_t depth;
  };

  void Place(Task task) {
    auto& [node, entries, depth] = task;
    while (!entries.empty() && entries.front().first.size() == depth) {
      units_[node].value = entries.front().second;
      entries = entries.subspan(1);
    }
    if (entries.empty()) return;
    labels_.clear();
    const auto label_of = [depth = depth](const auto& entry) {
      return static_cast<unsigned char>(entry.first[depth]);
    };
    for (const auto& entry : entries) {
      if (labels_.empty() || labels_.back() != label_of(entry)) labels_.push_back(label_of(entry));
    }
    const uint32_t base = FindBase();
    units_[node].base = base;
    std::size_t begin = 0;
    for (const unsigned char label : labels_) {
      std::size_t end = begin;
      while (end < entries.size() && label_of(entries[end]) == label) ++end;
      const Node child = base ^ label;
      Take(child);
      units_[child].parent = node;
      queue_.push_back({child, entries.subspan(begin, end - begin), depth + 1});
      begin = end;
    }
  }

  // A base with free units at base ^ label for every label; all of them lie in one block.
  uint32_t FindBase() {
    for (uint32_t unit = next_[kHead]; unit != kHead; unit = next_[unit]) {
      const uint32_t base = (unit - kFirst) ^ labels_.front();
      const bool free = std::all_of(labels_.begin(), labels_.end(), [&](unsigned char label) {
        return free_[(base ^ label) + kFirst];
      });
      if (free) return base;
    }
    AddBlock();
    return static_cast<uint32_t>(units_.size()) - kBlock;
  }

  void AddBlock() {
    const auto begin = static_cast<uint32_t>(units_.size());
    units_.resize(begin + kBlock);
    next_.resize(kFirst + begin + kBlock);
    previous_.resize(next_.size());
    free_.resize(next_.size());
    for (uint32_t unit = begin; unit < begin + kBlock; ++unit) {
      const uint32_t link = unit + kFirst;
      const uint32_t last = previous_[kHead];
      next_[last] = link;
      previous_[link] = last;
      next_[link] = kHead;
      previous_[kHead] = link;
      free_[link] = true;
    }
    if (begin >= kOpenBlocks * kBlock) {
      const uint32_t closed = begin - kOpenBlocks * kBlock;
      for (uint32_t unit = closed; unit < closed + kBlock; ++unit) Take(unit);
    }
  }

  void Take(Node unit) {
    const uint32_t link = unit + kFirst;
    if (!free_[link]) return;
    free_[link] = false;
    next_[previous_[link]] = next_[link];
    previous_[next_[link]] = previous_[link];
  }

  // Free units of the open blocks form a ring through kHead; unit u is link u + kFirst.
  static constexpr uint32_t kHead = 0;
  static constexpr uint32_t kFirst = 1;

  std::vector<Unit>& units_;
  std::vector<uint32_t> next_ = {kHead};
  std::vector<uint32_t> previous_ = {kHead};
  std::vector<bool> free_ = {false};
  std::vector<Task> queue_;
  std::vector<unsigned char> labels_;
};

ByteTrie ByteTrie::Build(std::vector<std::pair<std::string, int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  ByteTrie trie;
  Builder(trie.units_).Build(entries);
  return trie;
}

ByteTrie::Node ByteTrie::Walk(std::string_view key) const {
  Node node = kRoot;
  for (const char c : key) {
    node = Step(node, static_cast<unsigned char>(c));
    if (node == kNowhere) break;
  }
  return node;
}

}  // namespace embedserve
