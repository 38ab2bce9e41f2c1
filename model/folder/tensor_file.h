// A .safetensors file, mapped and checked before any tensor is used (semantics.md 11). The format:
// 8 bytes header length (little-endian), a JSON header {name: {dtype, shape, data_offsets}}, the
// data (https://github.com/huggingface/safetensors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

enum class TensorType { kF32, kF16, kBF16 };  // the types that weights may have

std::string_view Name(TensorType type);  // "F32", "F16", "BF16": the format's spelling
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
  // Position of the first NaN or infinity among the elements [first, first + count).
  std::optional<std::size_t> FirstNonFinite(std::size_t first, std::size_t count) const;
};

// Owns a read-only mapping. Movable; views stay valid across a move. The file must not be changed
// while it is mapped.
class TensorFile {
 public:
  static absl::StatusOr<TensorFile> Open(const std::filesystem::path& path);
  // The same checks over bytes in memory, which must outlive the result; `name` appears in errors.
  static absl::StatusOr<TensorFile> FromBytes(std::span<const std::byte> bytes, std::string name);

  // Every tensor of the file in order of name, also those whose type is not a TensorType (they have
  // no view).
  const std::vector<std::string>& names() const;
  // Null if absent. An error if the tensor's type is not a TensorType.
  absl::StatusOr<const TensorView*> Find(std::string_view name) const;
  const std::filesystem::path& path() const;
  std::span<const std::byte> bytes() const;  // the whole file, header included
  // Tells the kernel that the pages may be dropped from memory (they are read again on use).
  void DropPages() const;

 private:
  struct Contents;
  explicit TensorFile(std::shared_ptr<const Contents> contents);
  static absl::StatusOr<TensorFile> Parse(std::shared_ptr<Contents> contents);
  std::shared_ptr<const Contents> contents_;
};

}  // namespace embedserve
