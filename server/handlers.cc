#include "server/handlers.h"

namespace embedserve {

Call::Handler FindHandler(std::string_view method) {
  constexpr std::string_view kService = "/embedserve.v1.EmbeddingService/";
  if (!method.starts_with(kService)) return nullptr;
  method.remove_prefix(kService.size());
  if (method == "Encode") return HandleEncode;
  if (method == "Similarity") return HandleSimilarity;
  if (method == "Tokenize") return HandleTokenize;
  if (method == "GetModelInfo") return HandleGetModelInfo;
  return nullptr;
}

}  // namespace embedserve
