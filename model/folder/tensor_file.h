// A .safetensors file, mapped and checked before any tensor is used (semantics.md 11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

enum class TensorType { kF32, kF16, kBF16 };  // the types that weights may have

std::string_view Name(TensorType type);
std::size_t ByteSize(TensorType type);

// A tensor inside a mapped file. A view: the file must outlive it.
struct TensorView {
  std::string_view name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // row-major, little-endian; not necessarily aligned

  std::size_t size() const;  // number of elements
  // Writes the elements [first, first + out.size()) as fp32 (exact for every type).
  void ToFloat(std::size_t first, std::span<float> out) const;
  std::vector<float> ToFloat() const;
};

// Owns a read-only mapping. Movable; views stay valid across a move.
class TensorFile {
 public:
  static absl::StatusOr<TensorFile> Open(const std::filesystem::path& path);
  // The same checks over bytes in memory, which must outlive the result; `name` appears in errors.
  static absl::StatusOr<TensorFile> FromBytes(std::span<const std::byte> bytes, std::string name);

  // Every tensor of the file, also those whose type is not a TensorType (they have no view).
  const std::vector<std::string>& names() const;
  // Null if absent. An error if the tensor's type is not a TensorType.
  absl::StatusOr<const TensorView*> Find(std::string_view name) const;
  const std::filesystem::path& path() const;
  // Tells the kernel that the pages may be dropped from memory (they are read again on use).
  void DropPages() const;

 private:
  struct Contents;
  explicit TensorFile(std::shared_ptr<const Contents> contents);
  std::shared_ptr<const Contents> contents_;
};

}  // namespace embedserve
