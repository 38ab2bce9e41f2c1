#include "model/folder/similarity_function.h"

#include <cstdlib>

namespace embedserve {

std::string_view Name(SimilarityFunction function) {
  switch (function) {
    case SimilarityFunction::kCosine:
      return "cosine";
    case SimilarityFunction::kDot:
      return "dot";
    case SimilarityFunction::kEuclidean:
      return "euclidean";
    case SimilarityFunction::kManhattan:
      return "manhattan";
  }
  std::abort();
}

std::optional<SimilarityFunction> SimilarityFunctionFromName(std::string_view name) {
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    if (Name(function) == name) return function;
  }
  return std::nullopt;
}

}  // namespace embedserve
