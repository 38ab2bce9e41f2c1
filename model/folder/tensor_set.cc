#include "model/folder/tensor_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fmt/ranges.h"
#include "model/folder/file.h"
#include "model/folder/json.h"
#include "model/folder/parallel_for.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// Nothing usable lies in the folder: say what does.
absl::Status RefuseMissingWeights(const std::filesystem::path& directory) {
  for (const std::string_view name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    ASSIGN_OR_RETURN(const bool exists, FileExists(directory / name));
    if (!exists) continue;
    return Refuse(
        "{}: pickled weights are not read (they can run code); expected {}. Convert the model "
        "once: "
        "python -c \"from sentence_transformers import SentenceTransformer as S; "
        "S('FOLDER').save_pretrained('NEW_FOLDER')\"",
        (directory / name).string(), kWeights);
  }
  return Refuse("{}: no such file, nor {}; copy the model's weights into the folder",
                (directory / kWeights).string(), kIndex);
}

}  // namespace

TensorSet::TensorSet(TensorFile file) : path_(file.path()) {
  for (const std::string& name : file.names()) names_.emplace(name, 0);
  files_.push_back(std::move(file));
}

absl::StatusOr<TensorSet> TensorSet::Open(const std::filesystem::path& directory) {
  ASSIGN_OR_RETURN(const bool whole, FileExists(directory / kWeights));
  if (whole) {
    ASSIGN_OR_RETURN(TensorFile file, TensorFile::Open(directory / kWeights));
    return TensorSet(std::move(file));
  }
  ASSIGN_OR_RETURN(const bool sharded, FileExists(directory / kIndex));
  if (sharded) return OpenSharded(directory / kIndex);
  return RefuseMissingWeights(directory);
}

absl::StatusOr<TensorSet> TensorSet::OpenSharded(const std::filesystem::path& index) {
  ASSIGN_OR_RETURN(const auto json, JsonFile::Read(index));
  ASSIGN_OR_RETURN(const JsonValue weight_map, json->root().Get("weight_map"));
  std::map<std::string, std::string, std::less<>> file_of;  // by tensor
  std::set<std::string, std::less<>> file_names;
  RETURN_IF_ERROR(weight_map.ForEachMember([&](std::string_view tensor, JsonValue value) {
    auto file = value.AsString();
    if (!file.ok()) return file.status();
    if (file->empty() || file->find('/') != std::string_view::npos || file->starts_with('.')) {
      return value.Error("expected the name of a file beside the index");
    }
    file_of.emplace(tensor, *file);
    file_names.emplace(*file);
    return absl::OkStatus();
  }));

  TensorSet set;
  set.path_ = index;
  for (const std::string& name : file_names) {
    ASSIGN_OR_RETURN(TensorFile file, TensorFile::Open(index.parent_path() / name));
    for (const std::string& tensor : file.names()) {
      const auto expected = file_of.find(tensor);
      if (expected == file_of.end() || expected->second != name) {
        return Refuse(
            "{}: holds {}, which weight_map of {} {}: index and shards are of different "
            "models; download them again together",
            file.path().string(), tensor, index.string(),
            expected == file_of.end() ? "does not name" : "places in " + expected->second);
      }
      set.names_.emplace(tensor, set.files_.size());
    }
    set.files_.push_back(std::move(file));
  }
  for (const auto& [tensor, name] : file_of) {
    if (set.Has(tensor)) continue;
    return Refuse(
        "{}: weight_map places {} in {}, which does not hold it: index and shards are of "
        "different models; download them again together",
        index.string(), tensor, name);
  }
  return set;
}

absl::StatusOr<TensorView> TensorSet::Take(std::string_view name,
                                           const std::vector<int64_t>& shape) {
  const auto found = names_.find(name);
  if (found == names_.end()) return Refuse("{}: tensor {} is missing", path_.string(), name);
  const TensorFile& file = files_[found->second];
  ASSIGN_OR_RETURN(const TensorView* view, file.Find(name));
  if (view->shape != shape) {
    return Refuse("{}: {} has shape [{}], expected [{}] by the configuration", file.path().string(),
                  name, fmt::join(view->shape, ", "), fmt::join(shape, ", "));
  }
  taken_.push_back(*view);
  return *view;
}

absl::Status CheckFinite(const TensorSet& tensors) {
  // Large enough that a thread's work outweighs its start, small enough to share one big table.
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  struct Piece {
    const TensorView* view;
    std::size_t first;
    std::size_t count;
    std::optional<std::size_t> found;
  };
  std::vector<Piece> pieces;
  for (const TensorView& view : tensors.taken()) {
    for (std::size_t first = 0; first < view.size(); first += kPiece) {
      pieces.push_back({&view, first, std::min(kPiece, view.size() - first), std::nullopt});
    }
  }
  ParallelFor(pieces.size(), [&pieces](std::size_t i) {
    Piece& piece = pieces[i];
    piece.found = piece.view->FirstNonFinite(piece.first, piece.count);
  });
  for (const Piece& piece : pieces) {
    if (!piece.found) continue;
    float value;
    piece.view->ToFloat(*piece.found, std::span(&value, 1));
    return Refuse("{}: element {} of {} is {}; weights must be finite: the checkpoint is broken",
                  tensors.path().string(), *piece.found, piece.view->name, value);
  }
  return absl::OkStatus();
}

}  // namespace embedserve
