#include "cli/request_chunks.h"

#include <algorithm>

namespace embedserve {
namespace {

// Tag and length of a text in a message, at most.
constexpr std::size_t kFieldBytes = 6;
// More than this much text is cut in several requests whatever the server takes: an answer comes
// every few seconds, and a request does not wait behind itself.
constexpr std::size_t kMostBytes = std::size_t{256} << 10;

}  // namespace

std::vector<std::size_t> ChunkSizes(std::span<const std::size_t> sizes, std::size_t copies,
                                    std::size_t fixed_bytes, const RequestLimits& limits) {
  const std::size_t most_bytes = std::min(limits.max_bytes, kMostBytes);
  const std::size_t most_entries = std::max<std::size_t>(limits.max_texts / copies, 1);
  std::vector<std::size_t> chunks;
  std::size_t bytes = 0;
  for (const std::size_t size : sizes) {
    const std::size_t more = size + copies * kFieldBytes;
    const bool fits = !chunks.empty() && chunks.back() < most_entries && bytes + more <= most_bytes;
    if (!fits) {
      chunks.push_back(0);
      bytes = fixed_bytes;
    }
    ++chunks.back();
    bytes += more;
  }
  return chunks;
}

}  // namespace embedserve
