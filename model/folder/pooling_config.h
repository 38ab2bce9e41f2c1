// 1_Pooling/config.json (semantics.md 3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/json.h"

namespace embedserve {

// In the order in which several old-style flags concatenate.
enum class PoolingMode { kCls, kMax, kMean, kMeanSqrtLen, kWeightedMean, kLastToken };

inline constexpr PoolingMode kAllPoolingModes[] = {
    PoolingMode::kCls,         PoolingMode::kMax,          PoolingMode::kMean,
    PoolingMode::kMeanSqrtLen, PoolingMode::kWeightedMean, PoolingMode::kLastToken};

// "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken".
std::string_view Name(PoolingMode mode);

struct PoolingConfig {
  std::vector<PoolingMode> modes = {PoolingMode::kMean};  // concatenated; never empty
  bool include_prompt = true;  // false: the prompt's positions leave the pooling mask
};

// The modes' names joined by "+": "cls", "mean+max".
std::string Name(const PoolingConfig& config);

// `config` is the root of the file; `hidden` the encoder's width, which it must name. Old and new
// keys; modes, keys and values that are not known are refused.
absl::StatusOr<PoolingConfig> ReadPoolingConfig(JsonValue config, int hidden);

}  // namespace embedserve
