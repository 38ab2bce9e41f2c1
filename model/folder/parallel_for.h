// Start-up reads every byte of the weights twice (hash, finite check); this spreads it over cores.
#pragma once

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace embedserve {

// Calls body(0) ... body(count - 1), each once, from up to 16 threads; returns when all are done.
void ParallelFor(std::size_t count, absl::FunctionRef<void(std::size_t)> body);

}  // namespace embedserve
