// Sequence lengths of a real text collection, so that a benchmark needs no files.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace embedserve {

// Quantiles of the token counts (the two special tokens included) of the 816 sentences of MRPC's
// GLUE development set under the bert-base-uncased vocabulary; the mean of all is 27.1.
inline constexpr std::array kMrpcLengths = {14, 16, 17, 19, 19, 20, 21, 22, 22, 23, 24,
                                            24, 25, 25, 26, 26, 27, 28, 28, 29, 30, 30,
                                            31, 32, 32, 34, 35, 35, 36, 37, 38, 42};

// `count` sequences, their lengths spread evenly over the distribution; one has the median length.
inline std::vector<int> MrpcLengths(int count) {
  std::vector<int> lengths;
  std::size_t next = count == 1 ? kMrpcLengths.size() / 2 : 0;
  for (int i = 0; i < count; ++i, next += 13) {  // 13 and 32 have no common factor
    lengths.push_back(kMrpcLengths[next % kMrpcLengths.size()]);
  }
  return lengths;
}

}  // namespace embedserve
