#include "model/folder/pooling_config.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Repeats are allowed; a bound keeps the width of an embedding within an int.
constexpr std::size_t kMaxModes = 64;

// Written up to 5.3; several true ones concatenate in this order.
struct OldKey {
  std::string_view key;
  PoolingMode mode;
};
constexpr OldKey kOldKeys[] = {
    {"pooling_mode_cls_token", PoolingMode::kCls},
    {"pooling_mode_max_tokens", PoolingMode::kMax},
    {"pooling_mode_mean_tokens", PoolingMode::kMean},
    {"pooling_mode_mean_sqrt_len_tokens", PoolingMode::kMeanSqrtLen},
    {"pooling_mode_weightedmean_tokens", PoolingMode::kWeightedMean},
    {"pooling_mode_lasttoken", PoolingMode::kLastToken},
};

absl::StatusOr<PoolingMode> ReadMode(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view name, value.AsString());
  std::string known;
  for (const PoolingMode mode : kAllPoolingModes) {
    if (Name(mode) == name) return mode;
    known.append(known.empty() ? "" : ", ").append(Name(mode));
  }
  return value.Error("not a pooling mode; supported: " + known);
}

// "mean", or a list whose results concatenate.
absl::StatusOr<std::vector<PoolingMode>> ReadModes(JsonValue value) {
  std::vector<PoolingMode> modes;
  if (!value.IsArray()) {
    ASSIGN_OR_RETURN(modes.emplace_back(), ReadMode(value));
    return modes;
  }
  if (value.size() == 0) return value.Error("expected at least one pooling mode");
  if (value.size() > kMaxModes) {
    return value.Error("expected at most " + std::to_string(kMaxModes) + " pooling modes");
  }
  RETURN_IF_ERROR(value.ForEachElement([&modes](std::size_t, JsonValue element) -> absl::Status {
    ASSIGN_OR_RETURN(modes.emplace_back(), ReadMode(element));
    return absl::OkStatus();
  }));
  return modes;
}

absl::StatusOr<std::vector<PoolingMode>> ReadOldModes(JsonValue config) {
  std::vector<PoolingMode> modes;
  for (const OldKey& old : kOldKeys) {
    ASSIGN_OR_RETURN(const bool on, config.BoolOr(old.key, false));
    if (on) modes.push_back(old.mode);
  }
  if (modes.empty()) modes.push_back(PoolingMode::kMean);
  return modes;
}

// Under its new or its old name; both may stand there if they agree.
absl::Status CheckDimension(JsonValue config, int hidden) {
  bool found = false;
  for (const std::string_view key : {"embedding_dimension", "word_embedding_dimension"}) {
    ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
    if (!value) continue;
    found = true;
    const auto dimension = value->AsInt(hidden, hidden);
    if (!dimension.ok()) {
      return value->Error("expected the encoder's width, " + std::to_string(hidden));
    }
  }
  return found ? absl::OkStatus() : config.Get("embedding_dimension").status();
}

}  // namespace

std::string_view Name(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kCls:
      return "cls";
    case PoolingMode::kMax:
      return "max";
    case PoolingMode::kMean:
      return "mean";
    case PoolingMode::kMeanSqrtLen:
      return "mean_sqrt_len_tokens";
    case PoolingMode::kWeightedMean:
      return "weightedmean";
    case PoolingMode::kLastToken:
      return "lasttoken";
  }
  std::abort();
}

std::string Name(const PoolingConfig& config) {
  std::string name;
  for (const PoolingMode mode : config.modes) {
    name.append(name.empty() ? "" : "+").append(Name(mode));
  }
  return name;
}

absl::StatusOr<PoolingConfig> ReadPoolingConfig(JsonValue config, int hidden) {
  RETURN_IF_ERROR(
      config.RefuseOtherKeys({"embedding_dimension", "word_embedding_dimension", "pooling_mode",
                              "include_prompt", "pooling_mode_cls_token", "pooling_mode_max_tokens",
                              "pooling_mode_mean_tokens", "pooling_mode_mean_sqrt_len_tokens",
                              "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"}));
  RETURN_IF_ERROR(CheckDimension(config, hidden));
  PoolingConfig pooling;
  ASSIGN_OR_RETURN(const std::optional<JsonValue> modes, config.Find("pooling_mode"));
  if (modes) {
    ASSIGN_OR_RETURN(pooling.modes, ReadModes(*modes));
  } else {
    ASSIGN_OR_RETURN(pooling.modes, ReadOldModes(config));
  }
  ASSIGN_OR_RETURN(pooling.include_prompt, config.BoolOr("include_prompt", true));
  return pooling;
}

}  // namespace embedserve
