#include "model/engine/engine.h"

#include <string_view>

namespace embedserve {

std::string_view Name(ComputeType type) {
  switch (type) {
    case ComputeType::kFp32:
      return "fp32";
    case ComputeType::kFp16:
      return "fp16";
    case ComputeType::kBf16:
      return "bf16";
  }
  return "";
}

}  // namespace embedserve
