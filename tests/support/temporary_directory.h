// A fresh directory that is removed with its owner.
#pragma once

#include <filesystem>
#include <utility>

namespace embedserve {

class TemporaryDirectory {
 public:
  TemporaryDirectory();  // aborts if none can be made: the test could not go on
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept
      : path_(std::exchange(other.path_, std::filesystem::path())) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace embedserve
