#include "model/folder/module_list.h"

#include <cstdlib>
#include <optional>
#include <set>

#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// `type` is a Python class path. Old: sentence_transformers.models.X; from 5.4 on:
// sentence_transformers.{base,sentence_transformer}.modules.<file>.X.
absl::StatusOr<ModuleKind> ReadKind(JsonValue entry) {
  ASSIGN_OR_RETURN(const JsonValue type, entry.Get("type"));
  ASSIGN_OR_RETURN(const std::string_view path, type.AsString());
  if (!path.starts_with("sentence_transformers.")) {
    return type.Error("custom code is not run; expected a module of sentence_transformers");
  }
  const std::string_view name = path.substr(path.rfind('.') + 1);
  std::string known;
  for (const ModuleKind kind : kAllModuleKinds) {
    if (Name(kind) == name) return kind;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", Name(kind));
  }
  return type.Error(fmt::format("module {} is not supported; supported: {}", name, known));
}

absl::StatusOr<std::string> ReadPath(JsonValue entry) {
  ASSIGN_OR_RETURN(const JsonValue value, entry.Get("path"));
  ASSIGN_OR_RETURN(const std::string_view path, value.AsString());
  const std::string delimited = fmt::format("/{}/", path);
  if (path.starts_with('/') || delimited.find("/../") != std::string::npos ||
      path.find('\0') != std::string_view::npos) {
    return value.Error("expected a path inside the model's folder");
  }
  return std::string(path);
}

absl::Status CheckOrder(JsonValue modules, const std::vector<ModuleEntry>& list) {
  constexpr std::string_view kChain =
      "expected Transformer, Pooling, then any of Dense, LayerNorm, Normalize, Dropout";
  for (std::size_t i = 0; i < list.size() || i < 2; ++i) {
    const ModuleKind kind = i < list.size() ? list[i].kind : ModuleKind::kDropout;
    if ((i == 0) != (kind == ModuleKind::kTransformer) ||
        (i == 1) != (kind == ModuleKind::kPooling)) {
      return modules.Error(i < list.size()
                               ? fmt::format("module {} is {}; {}", i, Name(kind), kChain)
                               : fmt::format("there are {} modules; {}", list.size(), kChain));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view Name(ModuleKind kind) {
  switch (kind) {
    case ModuleKind::kTransformer:
      return "Transformer";
    case ModuleKind::kPooling:
      return "Pooling";
    case ModuleKind::kDense:
      return "Dense";
    case ModuleKind::kLayerNorm:
      return "LayerNorm";
    case ModuleKind::kNormalize:
      return "Normalize";
    case ModuleKind::kDropout:
      return "Dropout";
  }
  std::abort();
}

absl::StatusOr<std::vector<ModuleEntry>> ReadModuleList(JsonValue modules) {
  std::vector<ModuleEntry> list;
  std::set<std::string, std::less<>> names;
  RETURN_IF_ERROR(modules.ForEachElement([&](std::size_t i, JsonValue entry) -> absl::Status {
    RETURN_IF_ERROR(entry.RefuseOtherKeys({"idx", "name", "path", "type", "kwargs"}));
    // The reference runs the list's order and ignores idx: where they differ, the intent is
    // unclear.
    ASSIGN_OR_RETURN(const std::optional<JsonValue> idx, entry.Find("idx"));
    if (idx) RETURN_IF_ERROR(idx->AsInt(static_cast<int64_t>(i), static_cast<int64_t>(i)).status());
    ASSIGN_OR_RETURN(const JsonValue name, entry.Get("name"));
    ASSIGN_OR_RETURN(const std::string_view name_text, name.AsString());
    if (!names.emplace(name_text).second) return name.Error("each module needs a name of its own");
    ASSIGN_OR_RETURN(const std::optional<JsonValue> kwargs, entry.Find("kwargs"));
    if (kwargs && !(kwargs->IsArray() && kwargs->size() == 0)) return kwargs->Error("expected []");
    ASSIGN_OR_RETURN(const ModuleKind kind, ReadKind(entry));
    ASSIGN_OR_RETURN(std::string path, ReadPath(entry));
    list.push_back({kind, std::move(path)});
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(CheckOrder(modules, list));
  return list;
}

}  // namespace embedserve
