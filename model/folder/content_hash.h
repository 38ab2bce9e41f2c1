// The folder's part of the model fingerprint.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace embedserve {

struct HashedFile {
  std::string name;  // relative to the folder
  std::span<const std::byte> bytes;
};

// SHA-256 in lower-case hex over, for each file in order: name, NUL, size in decimal, NUL, and the
// SHA-256 digests of its consecutive 8 MiB pieces. The pieces make it parallel: weights are large,
// and start-up waits for it.
absl::StatusOr<std::string> ContentHash(std::span<const HashedFile> files);

}  // namespace embedserve
