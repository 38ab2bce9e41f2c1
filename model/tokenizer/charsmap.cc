#include "model/tokenizer/charsmap.h"

#include <algorithm>

#include "fmt/format.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

constexpr char32_t kJoiner = 0x200D;
constexpr std::size_t kWholeCluster = 6;  // a cluster of fewer bytes is looked up whole

// A unit of darts-clone: the byte that leads to it, how far its children are, whether it is an
// entry's end.
constexpr uint32_t Label(uint32_t unit) { return unit & (uint32_t{1} << 31 | 0xFF); }
constexpr uint32_t Offset(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }
constexpr bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
constexpr uint32_t Value(uint32_t unit) { return unit & ~(uint32_t{1} << 31); }

// Rules GB3 to GB9c and GB11 of UAX #29; not GB6 to GB8 (Hangul), GB12 and GB13 (flags).
class ClusterRules {
 public:
  explicit ClusterRules(char32_t first) { Take(first, ClusterOf(first)); }

  // True if `c` belongs to the cluster of what was taken so far; takes it then.
  bool Joins(char32_t c) {
    const uint8_t next = ClusterOf(c);
    if (!Holds(c, next)) return false;
    Take(c, next);
    return true;
  }

 private:
  bool Holds(char32_t c, uint8_t next) const {
    if (last_ == '\r' && c == '\n') return true;
    if ((last_class_ | next) & ClusterClass::kControl) return false;
    if (next & ClusterClass::kJoinsLeft || last_class_ & ClusterClass::kJoinsRight) return true;
    if (next & ClusterClass::kConsonant && linked_) return true;
    return next & ClusterClass::kPictographic && joined_;
  }

  void Take(char32_t c, uint8_t next) {
    joined_ = pictograph_ && c == kJoiner;
    pictograph_ =
        next & ClusterClass::kPictographic || (pictograph_ && next & ClusterClass::kExtend);
    if (next & ClusterClass::kConsonant) {
      consonant_ = true;
      linked_ = false;
    } else if (next & ClusterClass::kLinker) {
      linked_ = consonant_;
    } else if (!(next & ClusterClass::kConjunctExtend)) {
      consonant_ = linked_ = false;
    }
    last_ = c;
    last_class_ = next;
  }

  char32_t last_ = 0;
  uint8_t last_class_ = 0;
  bool pictograph_ = false;  // a pictograph, then only kExtend
  bool joined_ = false;      // ... and then U+200D
  bool consonant_ = false;   // a consonant, then only linkers and kConjunctExtend
  bool linked_ = false;      // ... with a linker among them
};

}  // namespace

std::size_t ClusterEnd(std::string_view text, std::size_t at) {
  const Scalar first = ScalarAt(text, at);
  ClusterRules rules(first.value);
  at += first.size;
  while (at < text.size()) {
    const Scalar next = ScalarAt(text, at);
    if (!rules.Joins(next.value)) break;
    at += next.size;
  }
  return at;
}

// Visits every entry once, at load. The array may share nodes, so the work is bounded by a count.
class Charsmap::Walk {
 public:
  explicit Walk(Charsmap& map) : map_(map) {}

  absl::Status Run() {
    RETURN_IF_ERROR(Enter(0));
    while (!open_.empty()) {
      auto& [base, byte] = open_.back();
      if (++byte > 0xFF) {
        open_.pop_back();
        if (!key_.empty()) key_.pop_back();
        continue;
      }
      const uint32_t node = base ^ byte;
      if (Label(map_.units_[node]) != byte) continue;
      key_.push_back(static_cast<char>(byte));
      if (++visited_ > kMostNodes) return Refuse("it has more than {} entries", kMostNodes);
      if (HasLeaf(map_.units_[node])) RETURN_IF_ERROR(CheckEntry(node));
      // No longer string is ever looked up: longer entries, such as those of Jamo, never count.
      if (key_.size() == kWholeCluster - 1) {
        key_.pop_back();
      } else {
        RETURN_IF_ERROR(Enter(node));
      }
    }
    return absl::OkStatus();
  }

 private:
  static constexpr std::size_t kMostGrowth = 32;  // of a text; bounds memory
  static constexpr std::size_t kMostNodes = 1 << 22;

  absl::Status PointsBeyond(uint32_t node) const {
    return Refuse("node {} points beyond the {} units", node, map_.units_.size());
  }

  // The library indexes base ^ byte for any byte of a text: all of them must exist.
  absl::Status Enter(uint32_t node) {
    const uint32_t base = node ^ Offset(map_.units_[node]);
    if ((base | 0xFF) >= map_.units_.size()) return PointsBeyond(node);
    open_.push_back({base, 0});
    return absl::OkStatus();
  }

  absl::Status CheckEntry(uint32_t node) {
    const uint32_t leaf = node ^ Offset(map_.units_[node]);
    if (leaf >= map_.units_.size()) return PointsBeyond(node);
    const uint32_t at = Value(map_.units_[leaf]);
    const std::string_view strings = map_.strings_;
    if (at > strings.size() ||
        (at < strings.size() && (static_cast<unsigned char>(strings[at]) & 0xC0) == 0x80)) {
      return Refuse("an entry's value {} is no beginning of a string", at);
    }
    const std::size_t most = kMostGrowth * key_.size();
    const std::string_view value = strings.substr(at, most + 1);
    if (value.size() > most && value.find('\0') == std::string_view::npos) {
      return Refuse("an entry's value is more than {} bytes long", most);
    }
    if (FirstInvalidUtf8(key_).has_value()) return Refuse("an entry is not UTF-8");
    const Scalar first = ScalarAt(key_, 0);
    if (IsLeftOut(first.value)) {
      return Refuse("an entry begins with U+{:04X}, which is not supported",
                    static_cast<uint32_t>(first.value));
    }
    if (first.size == key_.size()) {
      map_.plain_[first.value / 64] &= ~(uint64_t{1} << first.value % 64);
    }
    return absl::OkStatus();
  }

  // What takes part in the rules that ClusterEnd leaves out, or joins rightwards to what does.
  static bool IsLeftOut(char32_t c) {
    const auto in = [c](char32_t low, char32_t high) { return low <= c && c <= high; };
    return in(0x1100, 0x11FF) || in(0xA960, 0xA97F) || in(0xAC00, 0xD7FF) || in(0x16D60, 0x16D6F) ||
           in(0x1F1E6, 0x1F1FF) || ClusterOf(c) & ClusterClass::kJoinsRight;
  }

  struct Level {
    uint32_t base;
    uint32_t byte;
  };
  Charsmap& map_;
  std::vector<Level> open_;
  std::string key_;
  std::size_t visited_ = 0;
};

absl::StatusOr<std::shared_ptr<const Charsmap>> Charsmap::Parse(std::string_view blob) {
  const auto unit_at = [&](std::size_t at) {
    uint32_t unit = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      unit |= static_cast<uint32_t>(static_cast<unsigned char>(blob[at + i])) << 8 * i;
    }
    return unit;
  };
  const std::size_t units = blob.size() < 4 ? 0 : unit_at(0) / 4;
  if (units == 0 || blob.size() < 4 + 4 * units) {
    return Refuse("a charsmap of {} bytes does not hold its array", blob.size());
  }
  std::shared_ptr<Charsmap> map(new Charsmap);
  map->units_.reserve(units);
  for (std::size_t i = 0; i < units; ++i) map->units_.push_back(unit_at(4 + 4 * i));
  map->strings_ = blob.substr(4 + 4 * units);
  if (FirstInvalidUtf8(map->strings_).has_value()) {
    return Refuse("a charsmap's strings are not UTF-8");
  }
  map->plain_.assign(0x110000 / 64, 0);
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (ClusterOf(c) == 0) map->plain_[c / 64] |= uint64_t{1} << c % 64;
  }
  const absl::Status status = Walk(*map).Run();
  if (!status.ok()) return Refuse("a charsmap is broken: {}", std::string(status.message()));
  for (std::size_t c = 0; c < 128; ++c) {
    map->plain_ascii_[c] = (map->plain_[c / 64] >> c % 64 & 1) != 0;
  }
  return map;
}

std::optional<std::string_view> Charsmap::Find(std::string_view text) const {
  uint32_t node = Offset(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    node ^= byte;
    const uint32_t unit = units_[node];
    if (Label(unit) != byte) break;
    node ^= Offset(unit);
    if (HasLeaf(unit)) return std::string_view(strings_.c_str() + Value(units_[node]));
  }
  return std::nullopt;
}

std::size_t Charsmap::SkipPlain(std::string_view text, std::size_t at) const {
  while (at < text.size()) {
    if (plain_ascii_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const Scalar scalar = ScalarAt(text, at);
    if (!(plain_[scalar.value / 64] >> scalar.value % 64 & 1)) break;
    at += scalar.size;
  }
  return at;
}

std::string_view Charsmap::Apply(std::string_view text, std::string& out, std::size_t limit) const {
  std::size_t at = SkipPlain(text, 0);
  if (at == text.size()) return text;
  out.clear();
  std::size_t done = 0;  // what lies before it has been appended
  while (at < text.size() && out.size() <= limit) {
    const Scalar scalar = ScalarAt(text, at);
    if (at > done && ClusterOf(scalar.value) & ClusterClass::kJoinsLeft) {
      at -= ScalarBefore(text, at).size;
    }
    out.append(text.substr(done, at - done));
    done = ClusterEnd(text, at);
    AppendCluster(text.substr(at, done - at), out);
    at = SkipPlain(text, done);
  }
  out.append(text.substr(done));
  return out;
}

std::string_view Charsmap::ApplyPlainly(std::string_view text, std::string& out,
                                        std::size_t limit) const {
  out.clear();
  std::size_t at = 0;
  while (at < text.size() && out.size() <= limit) {
    const std::size_t end = ClusterEnd(text, at);
    AppendCluster(text.substr(at, end - at), out);
    at = end;
  }
  return out.append(text.substr(at));
}

void Charsmap::AppendCluster(std::string_view cluster, std::string& out) const {
  if (cluster.size() < kWholeCluster) {
    if (const auto whole = Find(cluster)) {
      out.append(*whole);
      return;
    }
  }
  for (std::size_t at = 0; at < cluster.size();) {
    const std::string_view scalar = cluster.substr(at, ScalarAt(cluster, at).size);
    out.append(Find(scalar).value_or(scalar));
    at += scalar.size();
  }
}

}  // namespace embedserve
