#pragma once

#include <string_view>

namespace embedserve {

std::string_view Version();  // of the project, "0.1.0"

}  // namespace embedserve
