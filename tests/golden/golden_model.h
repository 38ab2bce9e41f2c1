// A loaded model against a golden case: what all tests of whole folders ask.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/model.h"
#include "nlohmann/json.hpp"
#include "tests/golden/golden_file.h"

namespace embedserve {

// That the folder was read as the reference reads it: `facts` of the golden files.
void ExpectFacts(const ModelFolder& folder, const nlohmann::json& facts);

// Ids of the case's texts behind its prompt, cut to the model's limit.
void ExpectIds(const Model& model, const GoldenCase& golden);

// Rows of the case, by the way a request takes: prompt, tokens, engine, output. They may differ by
// 1e-5, and in proportion for a row with values above 1.
void ExpectRows(const Model& model, Engine& engine, const GoldenCase& golden);

// Plain encode() of the reference, by our engine: default prompt, the folder's Normalize, cut to
// `dimensions` (0 = all). (texts, width)
absl::StatusOr<std::vector<float>> Encode(const Model& model, const std::vector<std::string>& texts,
                                          ComputeType type = ComputeType::kFp32, int dimensions = 0,
                                          std::string_view device = "cpu");

}  // namespace embedserve
