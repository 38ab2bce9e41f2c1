// The RPCs of embedserve.v1.EmbeddingService: each checks its request, starts the work, and answers
// the call.
#pragma once

#include <memory>
#include <string_view>

#include "server/call.h"

namespace embedserve {

void HandleEncode(const std::shared_ptr<Call>& call);
void HandleSimilarity(const std::shared_ptr<Call>& call);
void HandleTokenize(const std::shared_ptr<Call>& call);
void HandleGetModelInfo(const std::shared_ptr<Call>& call);

// By full method name; null if there is none.
Call::Handler FindHandler(std::string_view method);

}  // namespace embedserve
