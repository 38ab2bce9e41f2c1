// How two embeddings are compared. The folder names one; a request may choose another.
#pragma once

#include <optional>
#include <string_view>

namespace embedserve {

enum class SimilarityFunction { kCosine, kDot, kEuclidean, kManhattan };

inline constexpr SimilarityFunction kAllSimilarityFunctions[] = {
    SimilarityFunction::kCosine, SimilarityFunction::kDot, SimilarityFunction::kEuclidean,
    SimilarityFunction::kManhattan};

// "cosine", "dot", "euclidean", "manhattan": the spelling of config_sentence_transformers.json.
std::string_view Name(SimilarityFunction function);
std::optional<SimilarityFunction> SimilarityFunctionFromName(std::string_view name);

}  // namespace embedserve
