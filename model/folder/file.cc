#include "model/folder/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

std::string ErrnoText(int error) { return std::generic_category().message(error); }

// Closes the descriptor; a mapping outlives it.
struct Descriptor {
  int fd;
  ~Descriptor() { ::close(fd); }
};

}  // namespace

absl::StatusOr<bool> FileExists(const std::filesystem::path& path) {
  struct stat entry;
  if (::lstat(path.c_str(), &entry) != 0) {
    // ENOTDIR: the parent is not a directory, so nothing has that name.
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return Refuse("{}: {}; check the permissions", path.string(), ErrnoText(errno));
  }
  if (S_ISLNK(entry.st_mode) && ::stat(path.c_str(), &entry) != 0) {
    const int error = errno;
    std::error_code ignored;
    return Refuse(
        "{}: the link to {} leads nowhere ({}); copy the folder with its link targets (cp -rL), or "
        "download it again",
        path.string(), std::filesystem::read_symlink(path, ignored).string(), ErrnoText(error));
  }
  return true;
}

absl::Status RefuseLfsPointer(std::string_view contents, std::string_view name) {
  // https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the version line comes first.
  if (!contents.starts_with("version https://git-lfs")) return absl::OkStatus();
  return Refuse(
      "{}: is a Git LFS pointer, not the file itself; run `git lfs pull` in the folder, or "
      "download "
      "the file",
      name);
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const std::string name = path.string();
  ASSIGN_OR_RETURN(const bool exists, FileExists(path));
  if (!exists) return Refuse("{}: no such file", name);
  // O_NONBLOCK: a FIFO in the file's place must not hang the open; no effect on regular files.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Refuse("{}: {}; check the permissions", name, ErrnoText(errno));
  const Descriptor descriptor{fd};
  struct stat entry;
  if (::fstat(fd, &entry) != 0) return Refuse("{}: {}", name, ErrnoText(errno));
  if (S_ISDIR(entry.st_mode)) return Refuse("{}: is a directory, expected a file", name);
  if (!S_ISREG(entry.st_mode)) return Refuse("{}: is not a regular file", name);
  if (entry.st_size == 0) {
    return Refuse("{}: is empty; copy or download the file again", name);
  }
  const auto size = static_cast<std::size_t>(entry.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) return Refuse("{}: cannot be mapped: {}", name, ErrnoText(errno));
  return MappedFile({static_cast<const std::byte*>(address), size});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void MappedFile::DropPages() const {
  ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

}  // namespace embedserve
