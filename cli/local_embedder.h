#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "cli/embedder.h"
#include "cli/local_model.h"
#include "cli/options.h"

namespace embedserve {

// Not thread-safe: it has one engine.
std::unique_ptr<Embedder> MakeLocalEmbedder(LocalModel local);
// On the folder of --model.
absl::StatusOr<std::unique_ptr<Embedder>> OpenLocalEmbedder(const Options& options);

}  // namespace embedserve
