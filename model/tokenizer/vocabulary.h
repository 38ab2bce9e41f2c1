// The strings of a vocabulary and their ids, as its file gives them. Used while loading; a model
// compiles what it needs into tables of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "model/tokenizer/string_map.h"

namespace embedserve {

class Vocabulary {
 public:
  // Ids at and above this are refused: tables are indexed by id, and no model comes near.
  static constexpr int64_t kMaxIds = 1 << 22;

  // Ids may leave holes. Errors: an id out of range, or one that another token has. A token that is
  // there already gets the new id, as in a JSON object's repeated key.
  absl::Status Add(std::string_view token, int64_t id);

  // The next position of a list, count() before the call, as the token's id. A token that is there
  // already gets the new id; its old one is no other token's.
  absl::Status Append(std::string_view token);

  std::optional<int32_t> Find(std::string_view token) const;
  bool Contains(std::string_view token) const { return ids_.contains(token); }
  std::size_t count() const { return ids_.size() + repeated_; }  // entries of the file
  int32_t limit() const { return limit_; }                       // 1 + the largest id
  const StringMap<int32_t>& entries() const { return ids_; }

 private:
  StringMap<int32_t> ids_;
  std::unordered_map<int32_t, std::string> tokens_;
  int32_t limit_ = 0;
  std::size_t repeated_ = 0;  // entries of a list that a later one replaced
};

}  // namespace embedserve
