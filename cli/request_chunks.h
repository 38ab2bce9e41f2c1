// How many texts go into one request, so that it stays within a server's limits.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace embedserve {

struct RequestLimits {
  std::size_t max_texts = 1024;
  std::size_t max_bytes = std::size_t{4} << 20;  // of one message
};

// Sizes of consecutive requests, each of one text at least: a text too large by itself is left for
// the server to refuse. `copies`: 2 if each entry of `sizes` stands for a pair that counts as two
// texts. `fixed_bytes`: what every request holds besides texts.
std::vector<std::size_t> ChunkSizes(std::span<const std::size_t> sizes, std::size_t copies,
                                    std::size_t fixed_bytes, const RequestLimits& limits);

}  // namespace embedserve
