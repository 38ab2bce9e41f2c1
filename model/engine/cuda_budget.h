// How many tokens a GPU is given at a time. Arithmetic only: it needs no CUDA.
#pragma once

#include "absl/functional/function_ref.h"

namespace embedserve {

// The batch for which the matrix products of a layer fill whole waves of tiles (kernels.md 2.6).
// Tiles of 128 x 256 over widths that are multiples of `hidden` do so at multiples of
// multiprocessors * 128 * 256 / hidden tokens; taken is the largest up to 256/3 tokens a
// multiprocessor, where the boundaries between kernels cost 3 % (11,264 on 132), rounded down to
// whole tiles. At least `longest`, the tokens of the longest sequence.
int FullWaveTokens(int multiprocessors, int hidden, int longest);

// Batches up to this many tokens are launched as graphs. Beyond, a pass of the main model takes
// longer than launching its kernels one by one, which hides behind the batch before; and a graph
// computes the rows of its whole bucket.
int MostGraphTokens(int multiprocessors);

// The most tokens from `least` to `most` that fit: `most`, a number of whole tiles, or `least`.
// 0 if not even `least` fits. Fewer fit whenever more do.
int MostTokens(int least, int most, absl::FunctionRef<bool(int tokens)> fits);

}  // namespace embedserve
