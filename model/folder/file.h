// Files as they are found (semantics.md 11): "absent" means absent. A dangling link, a denied read,
// a directory in a file's place, an empty file or a Git LFS pointer is an error that names the
// path.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace embedserve {

// False only if nothing has that name. An error if a link leads nowhere or the way there is denied.
absl::StatusOr<bool> FileExists(const std::filesystem::path& path);

// FAILED_PRECONDITION with the way out if `contents` is what Git LFS leaves in place of a file that
// was not downloaded.
absl::Status RefuseLfsPointer(std::string_view contents, std::string_view name);

// A whole regular file in memory, mapped read-only; not empty. Movable; bytes() stays valid.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  // Tells the kernel that the pages may be dropped from memory (they are read again on use).
  void DropPages() const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace embedserve
