// The weights of one module: model.safetensors, or the shards that model.safetensors.index.json
// names.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/folder/tensor_file.h"

namespace embedserve {

class TensorSet {
 public:
  // The weights that lie in `directory`. pytorch_model.bin alone is refused with the way out.
  static absl::StatusOr<TensorSet> Open(const std::filesystem::path& directory);

  explicit TensorSet(TensorFile file);

  // Name -> index into files(); every tensor of every shard.
  const std::map<std::string, std::size_t, std::less<>>& names() const { return names_; }
  bool Has(std::string_view name) const { return names_.contains(name); }
  // An error if absent, of another type than F32, F16, BF16, or not of this shape. Counts as used.
  absl::StatusOr<TensorView> Take(std::string_view name, const std::vector<int64_t>& shape);
  // Taken so far, in that order.
  const std::vector<TensorView>& taken() const { return taken_; }

  const std::vector<TensorFile>& files() const { return files_; }
  // What messages call the set: the file, or the index.
  const std::filesystem::path& path() const { return path_; }

 private:
  TensorSet() = default;
  static absl::StatusOr<TensorSet> OpenSharded(const std::filesystem::path& index);

  std::filesystem::path path_;
  std::vector<TensorFile> files_;
  std::map<std::string, std::size_t, std::less<>> names_;
  std::vector<TensorView> taken_;
};

// Refuses a tensor that holds NaN or infinity, by file and name. Reads every byte, in parallel.
absl::Status CheckFinite(const TensorSet& tensors);

}  // namespace embedserve
