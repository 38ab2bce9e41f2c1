// What may be listened on without TLS.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace embedserve {

// UsageError for what is no address, and for one that others can reach unless `insecure` says that
// this is meant. Loopback addresses and Unix sockets cannot be reached by others.
absl::Status CheckListenAddress(std::string_view address, bool insecure);

}  // namespace embedserve
