#include "server/version.h"

namespace embedserve {

std::string_view Version() { return EMBEDSERVE_VERSION; }

}  // namespace embedserve
