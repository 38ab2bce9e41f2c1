// modules.json: what follows what (semantics.md 1.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/json.h"

namespace embedserve {

enum class ModuleKind { kTransformer, kPooling, kDense, kLayerNorm, kNormalize, kDropout };

inline constexpr ModuleKind kAllModuleKinds[] = {ModuleKind::kTransformer, ModuleKind::kPooling,
                                                 ModuleKind::kDense,       ModuleKind::kLayerNorm,
                                                 ModuleKind::kNormalize,   ModuleKind::kDropout};

std::string_view Name(ModuleKind kind);  // "Transformer", ...

struct ModuleEntry {
  ModuleKind kind;
  std::string path;  // of its folder, relative to the model's; "" is the model's own
};

// `modules` is the root of modules.json. The list begins with Transformer, Pooling; both come once.
absl::StatusOr<std::vector<ModuleEntry>> ReadModuleList(JsonValue modules);

}  // namespace embedserve
