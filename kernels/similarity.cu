// Half a warp sums a pair: lane l takes the columns l, l + 16, ... (device/lane_sum.cuh). In the
// matrix it does so for 8 x 4 pairs at once, so that a value read serves 4 or 8 products; bound by
// issue: two instructions a product, since multiply and add must round apart.
#include <algorithm>
#include <string>

#include "kernels/device/lane_sum.cuh"
#include "kernels/launch.cuh"
#include "kernels/similarity.h"

namespace embedserve::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kHalves = kThreads / kSumLanes;  // half warps of a block
constexpr int kRowsOfA = 8, kRowsOfB = 4;      // of one half warp
constexpr int kSortThreads = 256;

template <SimilarityKind kKind>
__device__ float AddTerm(float sum, float a, float b) {
  if constexpr (kKind == SimilarityKind::kCosine || kKind == SimilarityKind::kDot) {
    return __fadd_rn(sum, __fmul_rn(a, b));
  } else {
    const float difference = __fsub_rn(a, b);
    if constexpr (kKind == SimilarityKind::kManhattan) return __fadd_rn(sum, fabsf(difference));
    return __fadd_rn(sum, __fmul_rn(difference, difference));
  }
}

template <SimilarityKind kKind>
__device__ float Score(float sum) {
  if constexpr (kKind == SimilarityKind::kCosine) {
    return sum < -1.0f ? -1.0f : sum > 1.0f ? 1.0f : sum;  // NaN stays NaN
  } else if constexpr (kKind == SimilarityKind::kEuclidean) {
    return -__fsqrt_rn(sum);
  } else if constexpr (kKind == SimilarityKind::kManhattan) {
    return -sum;
  } else {
    return sum;
  }
}

__device__ const float* RowOf(const float* x, int row, int columns) {
  return x + static_cast<std::size_t>(row) * static_cast<std::size_t>(columns);
}

// Halves beyond the last pair repeat it: shuffles need the whole warp.
template <SimilarityKind kKind>
__global__ void __launch_bounds__(kThreads)
    PairwiseKernel(const float* a, const float* b, int rows, int columns, float* scores) {
  const int lane = static_cast<int>(threadIdx.x) % kSumLanes;
  const int row =
      static_cast<int>(blockIdx.x) * kHalves + static_cast<int>(threadIdx.x) / kSumLanes;
  const float* const left = RowOf(a, min(row, rows - 1), columns);
  const float* const right = RowOf(b, min(row, rows - 1), columns);
  float sum = 0;
  for (int c = lane; c < columns; c += kSumLanes) sum = AddTerm<kKind>(sum, left[c], right[c]);
  sum = LaneTree(sum);
  if (row < rows && lane == 0) scores[row] = Score<kKind>(sum);
}

template <SimilarityKind kKind>
__global__ void __launch_bounds__(kThreads) MatrixKernel(const float* a, const float* b, int rows_a,
                                                         int rows_b, int columns, float* scores) {
  const int lane = static_cast<int>(threadIdx.x) % kSumLanes;
  const int half = static_cast<int>(threadIdx.x) / kSumLanes;
  const int first_b = (static_cast<int>(blockIdx.x) * kHalves + half) * kRowsOfB;
  const int first_a = static_cast<int>(blockIdx.y) * kRowsOfA;
  const float* left[kRowsOfA];
  const float* right[kRowsOfB];
#pragma unroll
  for (int i = 0; i < kRowsOfA; ++i) left[i] = RowOf(a, min(first_a + i, rows_a - 1), columns);
#pragma unroll
  for (int j = 0; j < kRowsOfB; ++j) right[j] = RowOf(b, min(first_b + j, rows_b - 1), columns);

  float sums[kRowsOfA][kRowsOfB] = {};
  for (int c = lane; c < columns; c += kSumLanes) {
    float x[kRowsOfA], y[kRowsOfB];
#pragma unroll
    for (int i = 0; i < kRowsOfA; ++i) x[i] = left[i][c];
#pragma unroll
    for (int j = 0; j < kRowsOfB; ++j) y[j] = right[j][c];
#pragma unroll
    for (int i = 0; i < kRowsOfA; ++i) {
#pragma unroll
      for (int j = 0; j < kRowsOfB; ++j) sums[i][j] = AddTerm<kKind>(sums[i][j], x[i], y[j]);
    }
  }
#pragma unroll
  for (int i = 0; i < kRowsOfA; ++i) {
#pragma unroll
    for (int j = 0; j < kRowsOfB; ++j) {
      const float sum = LaneTree(sums[i][j]);
      // Each lane stores two of the 32 scores.
      if ((i * kRowsOfB + j) % kSumLanes == lane && first_a + i < rows_a && first_b + j < rows_b) {
        scores[static_cast<std::size_t>(first_a + i) * static_cast<std::size_t>(rows_b) +
               static_cast<std::size_t>(first_b + j)] = Score<kKind>(sum);
      }
    }
  }
}

// Larger key = better: the score in an order of unsigned integers, then the lower column. Every
// key of a column below 2^32 - 1 is above 0, which fills up.
__device__ uint64_t KeyOf(float score, int column) {
  uint32_t order = 0;  // NaN
  if (score == score) {
    const uint32_t bits = score == 0 ? 0 : __float_as_uint(score);  // -0 ties with +0
    order = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  }
  return static_cast<uint64_t>(order) << 32 | ~static_cast<uint32_t>(column);
}

// Bitonic, descending; `size` is a power of two.
__device__ void SortDescending(uint64_t* keys, int size) {
  for (int run = 2; run <= size; run *= 2) {
    for (int distance = run / 2; distance > 0; distance /= 2) {
      for (int i = static_cast<int>(threadIdx.x); i < size / 2; i += kSortThreads) {
        const int low = 2 * i - (i & (distance - 1)), high = low + distance;
        const bool descending = (low & run) == 0;
        if ((keys[low] < keys[high]) == descending) {
          const uint64_t other = keys[low];
          keys[low] = keys[high];
          keys[high] = other;
        }
      }
      __syncthreads();
    }
  }
}

// A block keeps the best `list` of its row in the first half of `keys`, puts the next `list`
// columns into the second half and sorts both. list >= k, a power of two.
__global__ void __launch_bounds__(kSortThreads)
    BestKernel(const float* scores, int columns, int k, int list, float* best_scores,
               uint32_t* best_columns) {
  __shared__ uint64_t keys[2 * kMostBest];
  const float* const row = RowOf(scores, static_cast<int>(blockIdx.x), columns);
  const auto read = [&](int at, int column) {
    keys[at] = column < columns ? KeyOf(row[column], column) : 0;
  };
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < list; i += kSortThreads) read(i, i);
  for (int first = list; first == list || first < columns; first += list) {
    for (int i = thread; i < list; i += kSortThreads) read(list + i, first + i);
    __syncthreads();
    SortDescending(keys, 2 * list);
  }
  for (int i = thread; i < k; i += kSortThreads) {
    const uint32_t column = ~static_cast<uint32_t>(keys[i]);
    const std::size_t to = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(k) +
                           static_cast<unsigned>(i);
    best_columns[to] = column;
    best_scores[to] = row[column];
  }
}

template <SimilarityKind kKind>
struct KindTag {
  static constexpr SimilarityKind value = kKind;
};

template <class Launch>
void DispatchKind(SimilarityKind kind, Launch launch) {
  switch (kind) {
    case SimilarityKind::kCosine:
      return launch(KindTag<SimilarityKind::kCosine>{});
    case SimilarityKind::kDot:
      return launch(KindTag<SimilarityKind::kDot>{});
    case SimilarityKind::kEuclidean:
      return launch(KindTag<SimilarityKind::kEuclidean>{});
    case SimilarityKind::kManhattan:
      return launch(KindTag<SimilarityKind::kManhattan>{});
  }
}

}  // namespace

void PairwiseSimilarity(Stream& stream, SimilarityKind kind, ConstTensor a, ConstTensor b,
                        Tensor scores) {
  if (!stream.ok() || a.rows == 0) return;
  DispatchKind(kind, [&](auto tag) {
    PairwiseKernel<decltype(tag)::value><<<Blocks(a.rows, kHalves), kThreads, 0, stream.get()>>>(
        static_cast<const float*>(a.data), static_cast<const float*>(b.data), a.rows, a.columns,
        static_cast<float*>(scores.data));
  });
  stream.CheckLaunch("pairwise similarity");
}

void SimilarityMatrix(Stream& stream, SimilarityKind kind, ConstTensor a, ConstTensor b,
                      Tensor scores) {
  if (!stream.ok() || a.rows == 0 || b.rows == 0) return;
  // A grid has at most 65535 blocks along y.
  constexpr int kMostRows = 65535 * kRowsOfA;
  for (int first = 0; first < a.rows; first += kMostRows) {
    const ConstTensor part = a.Rows(first, std::min(kMostRows, a.rows - first));
    const Tensor to = scores.Rows(first, part.rows);
    DispatchKind(kind, [&](auto tag) {
      const dim3 grid(Blocks(b.rows, kHalves * kRowsOfB), Blocks(part.rows, kRowsOfA));
      MatrixKernel<decltype(tag)::value><<<grid, kThreads, 0, stream.get()>>>(
          static_cast<const float*>(part.data), static_cast<const float*>(b.data), part.rows,
          b.rows, part.columns, static_cast<float*>(to.data));
    });
  }
  stream.CheckLaunch("similarity matrix");
}

void BestOfEachRow(Stream& stream, ConstTensor scores, Tensor best_scores, uint32_t* best_columns) {
  if (!stream.ok() || scores.rows == 0) return;
  const int k = best_scores.columns;
  if (k < 1 || k > scores.columns || k > kMostBest) {
    return stream.Fail("best of each row", std::to_string(k) + " columns were asked of " +
                                               std::to_string(scores.columns) + ", at most " +
                                               std::to_string(kMostBest) + " can be");
  }
  // One thread a key at least, so that a short list does not idle the block.
  int list = kSortThreads;
  while (list < k) list *= 2;
  BestKernel<<<static_cast<unsigned>(scores.rows), kSortThreads, 0, stream.get()>>>(
      static_cast<const float*>(scores.data), scores.columns, k, list,
      static_cast<float*>(best_scores.data), best_columns);
  stream.CheckLaunch("best of each row");
}

}  // namespace embedserve::kernels
