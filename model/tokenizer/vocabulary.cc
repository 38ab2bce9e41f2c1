#include "model/tokenizer/vocabulary.h"

#include <algorithm>

#include "fmt/format.h"

namespace embedserve {

absl::Status Vocabulary::Add(std::string_view token, int64_t id) {
  if (id < 0 || id >= kMaxIds) {
    return absl::FailedPreconditionError(
        fmt::format("token '{}' has id {}; ids must lie in 0..{}", token, id, kMaxIds - 1));
  }
  const auto id32 = static_cast<int32_t>(id);
  if (const auto known = ids_.find(token); known != ids_.end()) {
    if (known->second == id32) return absl::OkStatus();
    tokens_.erase(known->second);
  }
  const auto [owner, added] = tokens_.try_emplace(id32, token);
  if (!added) {
    return absl::FailedPreconditionError(
        fmt::format("tokens '{}' and '{}' have the same id {}", owner->second, token, id));
  }
  ids_.insert_or_assign(std::string(token), id32);
  limit_ = std::max(limit_, id32 + 1);
  return absl::OkStatus();
}

absl::Status Vocabulary::Append(std::string_view token) {
  const auto id = static_cast<int64_t>(count());
  if (Contains(token)) ++repeated_;
  return Add(token, id);
}

std::optional<int32_t> Vocabulary::Find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace embedserve
