#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "cli/embedder.h"
#include "cli/options.h"

namespace embedserve {

// On the folder of --model. Not thread-safe: it has one engine.
absl::StatusOr<std::unique_ptr<Embedder>> OpenLocalEmbedder(const Options& options);

}  // namespace embedserve
