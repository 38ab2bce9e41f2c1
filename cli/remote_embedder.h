#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "cli/embedder.h"
#include "cli/options.h"

namespace embedserve {

// On the server of --server. Asks it for its model and limits first; UNAVAILABLE with the way out
// if nobody answers.
absl::StatusOr<std::unique_ptr<Embedder>> OpenRemoteEmbedder(const Options& options);

}  // namespace embedserve
