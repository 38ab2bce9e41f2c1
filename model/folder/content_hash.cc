#include "model/folder/content_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "fmt/format.h"
#include "model/folder/parallel_for.h"

namespace embedserve {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{8} << 20;
using Digest = std::array<unsigned char, 32>;

bool Sha256(std::span<const std::byte> bytes, Digest& out) {
  return EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

}  // namespace

absl::StatusOr<std::string> ContentHash(std::span<const HashedFile> files) {
  std::vector<std::span<const std::byte>> pieces;
  for (const HashedFile& file : files) {
    for (std::size_t begin = 0; begin < file.bytes.size(); begin += kPieceBytes) {
      pieces.push_back(file.bytes.subspan(begin, std::min(kPieceBytes, file.bytes.size() - begin)));
    }
  }
  std::vector<Digest> digests(pieces.size());
  std::vector<char> done(pieces.size());
  ParallelFor(pieces.size(), [&](std::size_t i) { done[i] = Sha256(pieces[i], digests[i]); });

  std::string summary;
  std::size_t next = 0;
  for (const HashedFile& file : files) {
    summary += fmt::format("{}{}{}{}", file.name, '\0', file.bytes.size(), '\0');
    const std::size_t count = (file.bytes.size() + kPieceBytes - 1) / kPieceBytes;
    for (std::size_t i = 0; i < count; ++i, ++next) {
      summary.append(reinterpret_cast<const char*>(digests[next].data()), digests[next].size());
    }
  }
  Digest digest;
  const bool all_done = std::all_of(done.begin(), done.end(), [](char ok) { return ok != 0; });
  if (!all_done || !Sha256(std::as_bytes(std::span(summary)), digest)) {
    return absl::InternalError("libcrypto offers no SHA-256");
  }
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace embedserve
