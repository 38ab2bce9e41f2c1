// softmax(Q K^T / sqrt D) V by sequence and head, on packed rows.
//
// Whole (L <= 64): a warp a (sequence, head), everything in its own 3 x 32 or 3 x 64 rows of shared
// memory, no block barrier; neighbouring warps take neighbouring heads, so rows are read whole.
// Long: 4 warps share a block of 64 query rows and walk over the keys 64 at a time with a running
// maximum, the next keys and values on their way while these are used.
// Simple: a warp a query row, fp32 arithmetic, for fp32 and for head sizes without a tensor-core
// form. Bytes moved: one read of (T, 3 H), one write of (T, H); that bounds the kernel for whole
// sequences.
#include <algorithm>

#include "kernels/attention.h"
#include "kernels/device/attention_tile.cuh"
#include "kernels/device/early.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"

namespace embedserve::kernels {
namespace {

constexpr float kLog2e = 1.4426950408889634f;

template <class T>
struct Operands {
  const T* query;
  std::size_t query_stride;  // values between rows
  const T* key;
  const T* value;
  std::size_t key_stride;
  T* out;
  std::size_t out_stride;
  int heads;
  int head_size;
  float scale;     // 1 / sqrt D
  bool one_query;  // row b of `query` and `out` belongs to sequence b
};

// The query rows of an item: where they start in `query` and `out`, and how many there are.
template <class T>
__device__ int FirstQueryRow(const Operands<T>& o, const AttentionItem& item) {
  return o.one_query ? item.sequence : item.row + item.first_query;
}
template <class T>
__device__ int QueryRowCount(const Operands<T>& o, const AttentionItem& item, int most) {
  if (o.one_query) return item.first_query == 0 && item.length > 0 ? 1 : 0;
  return min(most, item.length - item.first_query);
}

// At most 24 KB of shared memory a block, where that holds a warp's rows: small blocks, since one
// starts only when another has ended whole.
template <int kColumns, int kRows>
constexpr int kWholeWarps = std::max(1, 4096 / (kColumns * kRows));

// Warps of a block, and how many of them share a (sequence, head): one where there is much work for
// every multiprocessor, one for each 16 query rows where latency counts. The bits are the same.
template <int kColumns, int kRows>
struct WarpEach {
  static constexpr int kSharing = 1, kWarps = kWholeWarps<kColumns, kRows>;
};
template <int kRows>
struct WarpATile {
  static constexpr int kSharing = kRows / kTileRows, kWarps = kSharing;
};

template <class T, int kColumns, int kRows, class Split>
__global__ void __launch_bounds__(Split::kWarps* kWarp)
    WholeKernel(Operands<T> o, const AttentionItem* items, int pairs) {
  LetNextStart();
  WaitForInput();
  extern __shared__ __align__(128) unsigned char shared[];
  using Tile = SwizzledTile<kColumns>;
  constexpr uint32_t kTileBytes = kRows * Tile::kRowBytes;
  constexpr int kSharing = Split::kSharing, kPairs = Split::kWarps / kSharing;
  static_assert(kSharing == 1 || kPairs == 1, "warps that share meet at the block's barrier");
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int thread = static_cast<int>(threadIdx.x) % (kSharing * kWarp);
  const int pair = static_cast<int>(blockIdx.x) * kPairs + warp / kSharing;
  if (pair >= pairs) return;
  const AttentionItem item = items[pair / o.heads];
  const int queries = QueryRowCount(o, item, kRows);
  if (queries <= 0) return;

  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared)) +
                    static_cast<uint32_t>(warp / kSharing) * 3 * kTileBytes;
  const Tile query{base}, keys{base + kTileBytes}, values{base + 2 * kTileBytes};
  const int column = pair % o.heads * o.head_size;
  const auto first = static_cast<std::size_t>(FirstQueryRow(o, item));
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;
  const int query_rows = (queries + kTileRows - 1) / kTileRows * kTileRows;
  const int key_rows = (item.length + 15) / 16 * 16;
  const auto copy = [&](Tile to, const T* from, std::size_t stride, int rows, int valid) {
    CopyTile(to, from, stride, rows, valid, o.head_size, thread, kSharing * kWarp);
  };
  copy(query, o.query + first * o.query_stride + column, o.query_stride, query_rows, queries);
  copy(keys, o.key + key_first, o.key_stride, key_rows, item.length);
  copy(values, o.value + key_first, o.key_stride, key_rows, item.length);
  CommitCopies();
  WaitForCopies<0>();
  if constexpr (kSharing == 1) {
    __syncwarp();
  } else {
    __syncthreads();
  }

  const int first_row = warp % kSharing * kTileRows;
  for (int row = first_row; row < query_rows; row += kSharing * kTileRows) {
    QueryRows<T, kColumns> rows;
    rows.Load(query, row, lane);
    rows.template Fold<kRows>(keys, values, item.length, o.scale * kLog2e, lane);
    __syncwarp();
    rows.Store(query, row, lane);
  }
  __syncwarp();
  // A warp alone writes the sequence, one of several its own rows.
  const int stored = kSharing == 1 ? queries : min(kTileRows, queries - first_row);
  if (stored <= 0) return;
  StoreRows(query, first_row, stored, o.head_size,
            o.out + (first + static_cast<std::size_t>(first_row)) * o.out_stride + column,
            o.out_stride, lane);
}

constexpr int kLongThreads = kQueryBlock / kTileRows * kWarp;
constexpr int kKeyBlock = 64;

template <class T, int kColumns>
__global__ void __launch_bounds__(kLongThreads)
    LongKernel(Operands<T> o, const AttentionItem* items) {
  extern __shared__ __align__(128) unsigned char shared[];
  using Tile = SwizzledTile<kColumns>;
  constexpr uint32_t kTileBytes = kKeyBlock * Tile::kRowBytes;
  static_assert(kQueryBlock == kKeyBlock, "query and key tiles are of one size");
  const AttentionItem item = items[static_cast<int>(blockIdx.x) / o.heads];
  const int queries = QueryRowCount(o, item, kQueryBlock);
  if (queries <= 0) return;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp;
  const int row = thread / kWarp * kTileRows;  // first of this warp's query rows in the block

  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const Tile query{base};
  // Two stages of keys and values: even and odd blocks.
  const auto keys = [base](int block) {
    return Tile{base + (1 + 2 * static_cast<uint32_t>(block & 1)) * kTileBytes};
  };
  const auto values = [base](int block) {
    return Tile{base + (2 + 2 * static_cast<uint32_t>(block & 1)) * kTileBytes};
  };
  const int column = static_cast<int>(blockIdx.x) % o.heads * o.head_size;
  const auto first = static_cast<std::size_t>(FirstQueryRow(o, item));
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;

  const auto copy_keys = [&](int block) {
    const std::size_t from = key_first + static_cast<std::size_t>(block) * kKeyBlock * o.key_stride;
    const int valid = item.length - block * kKeyBlock;
    CopyTile(keys(block), o.key + from, o.key_stride, kKeyBlock, valid, o.head_size, thread,
             kLongThreads);
    CopyTile(values(block), o.value + from, o.key_stride, kKeyBlock, valid, o.head_size, thread,
             kLongThreads);
    CommitCopies();
  };
  CopyTile(query, o.query + first * o.query_stride + column, o.query_stride, kQueryBlock, queries,
           o.head_size, thread, kLongThreads);
  copy_keys(0);

  QueryRows<T, kColumns> rows;
  const int blocks = (item.length + kKeyBlock - 1) / kKeyBlock;
  for (int block = 0; block < blocks; ++block) {
    if (block + 1 < blocks) {
      copy_keys(block + 1);
      WaitForCopies<1>();
    } else {
      WaitForCopies<0>();
    }
    __syncthreads();
    if (row < queries) {
      if (block == 0) rows.Load(query, row, lane);
      rows.template Fold<kKeyBlock>(keys(block), values(block),
                                    min(kKeyBlock, item.length - block * kKeyBlock),
                                    o.scale * kLog2e, lane);
    }
    __syncthreads();  // the tiles just used are overwritten next
  }
  if (row >= queries) return;
  rows.Store(query, row, lane);
  __syncwarp();
  StoreRows(query, row, min(kTileRows, queries - row), o.head_size,
            o.out + (first + static_cast<std::size_t>(row)) * o.out_stride + column, o.out_stride,
            lane);
}

constexpr int kSimpleWarps = 4;
constexpr int kMostHeadSize = 256;

template <class T, int kLaneValues>
__global__ void __launch_bounds__(kSimpleWarps* kWarp)
    SimpleKernel(Operands<T> o, const AttentionItem* items, int most_queries) {
  __shared__ float query[kSimpleWarps][kMostHeadSize];
  const AttentionItem item = items[static_cast<int>(blockIdx.x) / o.heads];
  const int queries = QueryRowCount(o, item, most_queries);
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const int column = static_cast<int>(blockIdx.x) % o.heads * o.head_size;
  const auto first = static_cast<std::size_t>(FirstQueryRow(o, item));
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;

  for (int q = warp; q < queries; q += kSimpleWarps) {
    const std::size_t row = first + static_cast<std::size_t>(q);
    __syncwarp();
    for (int d = lane; d < o.head_size; d += kWarp) {
      query[warp][d] = ToFloat(o.query[row * o.query_stride + column + d]);
    }
    __syncwarp();
    float out[kLaneValues] = {};
    float most = -INFINITY, sum = 0.0f;
    for (int block = 0; block < item.length; block += kWarp) {
      const int keys = min(kWarp, item.length - block);
      float score = -INFINITY;
      if (lane < keys) {
        const T* const key =
            o.key + key_first + static_cast<std::size_t>(block + lane) * o.key_stride;
        score = 0.0f;
        for (int d = 0; d < o.head_size; ++d) score += query[warp][d] * ToFloat(key[d]);
        score *= o.scale;
      }
      const float now = fmaxf(most, WarpMax(score));
      const float shrink = expf(most - now);
      const float weight = expf(score - now);
      most = now;
      sum = sum * shrink + WarpSum(weight);
#pragma unroll
      for (float& v : out) v *= shrink;
#pragma unroll 1
      for (int j = 0; j < keys; ++j) {
        const float w = __shfl_sync(kFullWarp, weight, j);
        const T* const value =
            o.value + key_first + static_cast<std::size_t>(block + j) * o.key_stride;
#pragma unroll
        for (int i = 0; i < kLaneValues; ++i) {
          const int d = i * kWarp + lane;
          if (d < o.head_size) out[i] += w * ToFloat(value[d]);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kLaneValues; ++i) {
      const int d = i * kWarp + lane;
      if (d < o.head_size) o.out[row * o.out_stride + column + d] = FromFloat<T>(out[i] / sum);
    }
  }
}

// A block may use more than 48 KB of shared memory only after asking.
template <std::size_t kBytes, class Kernel>
bool AskForShared(Stream& stream, Kernel kernel) {
  static_assert(kBytes <= kLeastSharedBytes, "some cards have no more");
  return stream.Check(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int{kBytes}),
      "attention");
}

template <class T, int kColumns, int kRows, class Split>
void LaunchSplit(Stream& stream, const Operands<T>& o, const AttentionItem* items, int pairs) {
  constexpr int kPairs = Split::kWarps / Split::kSharing;
  constexpr std::size_t kShared = kPairs * 3 * kRows * SwizzledTile<kColumns>::kRowBytes;
  const auto kernel = WholeKernel<T, kColumns, kRows, Split>;
  if (!AskForShared<kShared>(stream, kernel)) return;
  LaunchEarly(stream, "attention, whole sequences", kernel, dim3(Blocks(pairs, kPairs)),
              dim3(Split::kWarps * kWarp), kShared, o, items, pairs);
}

// Pairs a multiprocessor up to which warps share one. On an H100, fp16, 12 heads of 64, lengths of
// MRPC: 14.4 against 19.2 us for 2816 tokens, 22.1 against 24.9 for 5632 (sequences over 32 tokens
// shared), no difference for 11 264, 254 against 243 for 111 000.
constexpr int kSharedPairs = 8;

template <class T, int kColumns, int kRows>
void LaunchWhole(Stream& stream, const Operands<T>& o, const AttentionItem* items, int count) {
  if (count == 0) return;
  const int pairs = count * o.heads;
  if (pairs <= kSharedPairs * stream.multiprocessors() && !o.one_query) {
    LaunchSplit<T, kColumns, kRows, WarpATile<kRows>>(stream, o, items, pairs);
  } else {
    LaunchSplit<T, kColumns, kRows, WarpEach<kColumns, kRows>>(stream, o, items, pairs);
  }
}

template <class T, int kColumns>
void LaunchTensorCore(Stream& stream, const Operands<T>& o, const AttentionWork& work) {
  LaunchWhole<T, kColumns, kShortSequence>(stream, o, work.short_items, work.short_count);
  LaunchWhole<T, kColumns, kMediumSequence>(stream, o, work.medium_items, work.medium_count);
  if (work.long_count > 0) {
    constexpr std::size_t kShared = 5 * kKeyBlock * SwizzledTile<kColumns>::kRowBytes;
    if (!AskForShared<kShared>(stream, LongKernel<T, kColumns>)) return;
    LongKernel<T, kColumns>
        <<<static_cast<unsigned>(work.long_count * o.heads), kLongThreads, kShared, stream.get()>>>(
            o, work.long_items);
    stream.CheckLaunch("attention, long");
  }
}

template <class T, int kLaneValues>
void LaunchSimple(Stream& stream, const Operands<T>& o, const AttentionWork& work) {
  const auto launch = [&](const AttentionItem* items, int count, int most_queries) {
    if (count == 0) return;
    SimpleKernel<T, kLaneValues>
        <<<static_cast<unsigned>(count * o.heads), dim3(kWarp, kSimpleWarps), 0, stream.get()>>>(
            o, items, most_queries);
    stream.CheckLaunch("attention, simple");
  };
  launch(work.short_items, work.short_count, kShortSequence);
  launch(work.medium_items, work.medium_count, kMediumSequence);
  launch(work.long_items, work.long_count, kQueryBlock);
}

template <class T>
void Launch(Stream& stream, const Operands<T>& o, const AttentionWork& work) {
  const int d = o.head_size;
  if constexpr (!std::is_same_v<T, float>) {
    if (d % kPacket == 0 && d <= 32) return LaunchTensorCore<T, 32>(stream, o, work);
    if (d % kPacket == 0 && d <= 64) return LaunchTensorCore<T, 64>(stream, o, work);
    if (d % kPacket == 0 && d <= 128) return LaunchTensorCore<T, 128>(stream, o, work);
  }
  if (d <= 64) return LaunchSimple<T, 2>(stream, o, work);
  if (d <= kMostHeadSize) return LaunchSimple<T, 8>(stream, o, work);
  stream.Fail("attention", "head size " + std::to_string(d) + "; at most 256 is supported");
}

}  // namespace

void Attention(Stream& stream, ConstTensor qkv, int heads, const AttentionWork& work, Tensor out) {
  if (!stream.ok()) return;
  DispatchType(qkv.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* const rows = static_cast<const T*>(qkv.data);
    const auto stride = static_cast<std::size_t>(qkv.columns);
    const int head_size = out.columns / heads;
    Launch<T>(stream,
              {.query = rows,
               .query_stride = stride,
               .key = rows + out.columns,
               .value = rows + 2 * out.columns,
               .key_stride = stride,
               .out = static_cast<T*>(out.data),
               .out_stride = static_cast<std::size_t>(out.columns),
               .heads = heads,
               .head_size = head_size,
               .scale = 1.0f / sqrtf(static_cast<float>(head_size)),
               .one_query = false},
              work);
  });
}

void AttentionOfOneQuery(Stream& stream, ConstTensor query, ConstTensor key_value, int heads,
                         const AttentionWork& work, Tensor out) {
  if (!stream.ok()) return;
  DispatchType(query.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* const rows = static_cast<const T*>(key_value.data);
    const int head_size = out.columns / heads;
    Launch<T>(stream,
              {.query = static_cast<const T*>(query.data),
               .query_stride = static_cast<std::size_t>(query.columns),
               .key = rows,
               .value = rows + out.columns,
               .key_stride = static_cast<std::size_t>(key_value.columns),
               .out = static_cast<T*>(out.data),
               .out_stride = static_cast<std::size_t>(out.columns),
               .heads = heads,
               .head_size = head_size,
               .scale = 1.0f / sqrtf(static_cast<float>(head_size)),
               .one_query = true},
              work);
  });
}

}  // namespace embedserve::kernels
