// The "Precompiled" normalizer: a sentencepiece map from strings to strings, applied to grapheme
// clusters as the pinned library does it (tokenizers.md 2.4.1). Immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

// End of the grapheme cluster that begins at `text[at]`, at < text.size(). Valid UTF-8 only. Flags
// and Hangul syllables are cut apart: no map that Charsmap accepts can tell.
std::size_t ClusterEnd(std::string_view text, std::size_t at);

class Charsmap {
 public:
  // From the map as sentencepiece writes it: u32 size of the array in bytes, the units of a
  // darts-clone double array, strings that end in NUL. Errors: a map with which the library would
  // fail, or whose entries begin with what ClusterEnd leaves out.
  static absl::StatusOr<std::shared_ptr<const Charsmap>> Parse(std::string_view blob);

  // The normal form: `text` itself where nothing changes, else `out`. Linear. Stops changing once
  // the result is longer than `limit` bytes.
  std::string_view Apply(std::string_view text, std::string& out,
                         std::size_t limit = std::string_view::npos) const;

  // The same by its rule alone, cluster by cluster.
  std::string_view ApplyPlainly(std::string_view text, std::string& out,
                                std::size_t limit = std::string_view::npos) const;

  // What the shortest entry that `text` begins with becomes.
  std::optional<std::string_view> Find(std::string_view text) const;

  bool operator==(const Charsmap& other) const {
    return units_ == other.units_ && strings_ == other.strings_;
  }

 private:
  class Walk;

  Charsmap() = default;
  // End of the run of plain scalars at `at`.
  std::size_t SkipPlain(std::string_view text, std::size_t at) const;
  void AppendCluster(std::string_view cluster, std::string& out) const;

  std::vector<uint32_t> units_;
  std::string strings_;
  // Bit c: scalar c has no entry of its own and joins no neighbour by itself, so that it stays as
  // it is unless what follows joins it.
  std::vector<uint64_t> plain_;
  std::array<bool, 256> plain_ascii_ = {};  // the same by byte, false beyond ASCII
};

}  // namespace embedserve
