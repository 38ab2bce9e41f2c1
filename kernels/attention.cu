// softmax(Q K^T / sqrt D) V by sequence and head, on packed rows.
//
// Whole (L <= 64): a (sequence, head) in 3 x 32 or 3 x 64 rows of shared memory; neighbours take
// neighbouring heads, so rows are read whole. All in one launch.
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
#include "kernels/pooled_row.cuh"

namespace embedserve::kernels {
namespace {

constexpr float kLog2e = 1.4426950408889634f;

template <class T>
struct Operands {
  const T* query;
  int query_stride;  // values between rows
  const T* key;
  const T* value;
  int key_stride;
  T* out;
  int out_stride;
  int heads;
  int head_size;
  float scale;     // 1 / sqrt D
  bool one_query;  // a sequence: in the row that query_rows name; its result in the sequence's own
  PooledRows query_rows;
};

// The (sequence, head) pairs of items.
struct WholeWork {
  const AttentionItem* items = nullptr;
  int pairs = 0;
};

// An item's first row in `out` and in `query`, and how many it has.
template <class T>
__device__ std::size_t FirstOutRow(const Operands<T>& o, const AttentionItem& item) {
  return static_cast<std::size_t>(o.one_query ? item.sequence : item.row + item.first_query);
}
template <class T>
__device__ std::size_t FirstQueryRow(const Operands<T>& o, const AttentionItem& item) {
  return o.one_query ? static_cast<std::size_t>(PooledRow(o.query_rows, item.sequence))
                     : FirstOutRow(o, item);
}
template <class T>
__device__ int QueryRowCount(const Operands<T>& o, const AttentionItem& item, int most) {
  if (o.one_query) return item.first_query == 0 && item.length > 0 ? 1 : 0;
  return min(most, item.length - item.first_query);
}

// One (sequence, head) pair held whole: query, keys and values in 3 x kRows rows of shared memory
// from `base` on. kWarps warps share it, `thread` counts their threads; each takes tiles of 16
// query rows in turn. The bits do not depend on how many they are.
template <class T, int kColumns, int kRows, int kWarps, class Meet>
__device__ void AttendWhole(const Operands<T>& o, const WholeWork& work, int pair, uint32_t base,
                            int thread, Meet meet) {
  using Tile = SwizzledTile<kColumns>;
  constexpr uint32_t kTileBytes = kRows * Tile::kRowBytes;
  const AttentionItem item = pair < work.pairs ? work.items[pair / o.heads] : AttentionItem{};
  const int length = Uniform(item.length), queries = Uniform(QueryRowCount(o, item, kRows));
  const int query_rows = (queries + kTileRows - 1) / kTileRows * kTileRows;
  const int key_rows = (length + 15) / 16 * 16;
  const int column = pair % o.heads * o.head_size;
  const T* const query_from = o.query + FirstQueryRow(o, item) * o.query_stride + column;
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;
  T* const to = o.out + FirstOutRow(o, item) * o.out_stride + column;
  const Tile query{base}, keys{base + kTileBytes}, values{base + 2 * kTileBytes};
  WaitForInput();
  // Not before: the weights that the next kernels ask for can delay this one's rows (DESIGN.md).
  LetNextStart();
  if (queries <= 0) return;

  const auto copy = [&](Tile tile, const T* from, int stride, int rows, int valid) {
    CopyTile<kWarps * kWarp, kRows>(tile, from, stride, rows, valid, o.head_size, thread);
  };
  copy(query, query_from, o.query_stride, query_rows, queries);
  copy(keys, o.key + key_first, o.key_stride, key_rows, length);
  copy(values, o.value + key_first, o.key_stride, key_rows, length);
  CommitCopies();
  WaitForCopies<0>();
  meet();

  const int lane = thread % kWarp;
  for (int row = Uniform(thread / kWarp) * kTileRows; row < query_rows; row += kWarps * kTileRows) {
    QueryRows<T, kColumns> rows;
    rows.Load(query, row, lane);
    rows.template Fold<kRows>(keys, values, length, o.scale * kLog2e, lane);
    __syncwarp();
    rows.Store(query, row, lane);
    __syncwarp();
    StoreRows(query, row, min(kTileRows, queries - row), o.head_size, to + row * o.out_stride,
              o.out_stride, lane);
  }
}

// A block of kWarps warps holds one pair of a medium sequence or kShorts pairs of short ones. The
// medium pairs come first, for they end last. Registers: 128 a thread, for wide heads 255.
template <class T, int kColumns, int kWarps, int kShorts>
__global__ void __launch_bounds__(kWarps* kWarp, (kColumns > 64 ? 256 : 512) / (kWarps * kWarp))
    WholeKernel(Operands<T> o, WholeWork mediums, WholeWork shorts) {
  extern __shared__ __align__(128) unsigned char shared[];
  const auto base = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int block = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const auto meet_block = [] { __syncthreads(); };
  if (block < mediums.pairs) {
    AttendWhole<T, kColumns, kMediumSequence, kWarps>(o, mediums, block, base, thread, meet_block);
  } else if constexpr (kShorts == 1) {
    AttendWhole<T, kColumns, kShortSequence, kWarps>(o, shorts, block - mediums.pairs, base, thread,
                                                     meet_block);
  } else {
    static_assert(kShorts == kWarps, "a pair has the block's barrier or one warp");
    constexpr uint32_t kPairBytes = 3 * kShortSequence * SwizzledTile<kColumns>::kRowBytes;
    const int warp = thread / kWarp;
    AttendWhole<T, kColumns, kShortSequence, 1>(o, shorts, (block - mediums.pairs) * kShorts + warp,
                                                base + static_cast<uint32_t>(warp) * kPairBytes,
                                                thread % kWarp, [] { __syncwarp(); });
  }
}

constexpr int kLongThreads = kQueryBlock / kTileRows * kWarp;
constexpr int kKeyBlock = 64;

template <class T, int kColumns>
__global__ void __launch_bounds__(kLongThreads)
    LongKernel(Operands<T> o, const AttentionItem* items) {
  LetNextStart();
  extern __shared__ __align__(128) unsigned char shared[];
  using Tile = SwizzledTile<kColumns>;
  constexpr uint32_t kTileBytes = kKeyBlock * Tile::kRowBytes;
  static_assert(kQueryBlock == kKeyBlock, "query and key tiles are of one size");
  const AttentionItem item = items[static_cast<int>(blockIdx.x) / o.heads];
  const int queries = QueryRowCount(o, item, kQueryBlock);
  const std::size_t query_first = FirstQueryRow(o, item), first = FirstOutRow(o, item);
  WaitForInput();
  if (queries <= 0) return;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp;
  // The first of this warp's query rows in the block.
  const int row = Uniform(thread / kWarp) * kTileRows;

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
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;

  const auto copy = [&](Tile to, const T* from, int stride, int valid) {
    CopyTile<kLongThreads, kKeyBlock>(to, from, stride, kKeyBlock, valid, o.head_size, thread);
  };
  const auto copy_keys = [&](int block) {
    const std::size_t from = key_first + static_cast<std::size_t>(block) * kKeyBlock * o.key_stride;
    const int valid = item.length - block * kKeyBlock;
    copy(keys(block), o.key + from, o.key_stride, valid);
    copy(values(block), o.value + from, o.key_stride, valid);
    CommitCopies();
  };
  copy(query, o.query + query_first * o.query_stride + column, o.query_stride, queries);
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
  LetNextStart();
  __shared__ float query[kSimpleWarps][kMostHeadSize];
  const AttentionItem item = items[static_cast<int>(blockIdx.x) / o.heads];
  const int queries = QueryRowCount(o, item, most_queries);
  const int lane = static_cast<int>(threadIdx.x), warp = Uniform(static_cast<int>(threadIdx.y));
  const int column = static_cast<int>(blockIdx.x) % o.heads * o.head_size;
  const std::size_t query_first = FirstQueryRow(o, item), first = FirstOutRow(o, item);
  const std::size_t key_first = static_cast<std::size_t>(item.row) * o.key_stride + column;

  WaitForInput();
  for (int q = warp; q < queries; q += kSimpleWarps) {
    const auto query_row = query_first + static_cast<std::size_t>(q);
    const auto row = first + static_cast<std::size_t>(q);
    __syncwarp();
    for (int d = lane; d < o.head_size; d += kWarp) {
      query[warp][d] = ToFloat(o.query[query_row * o.query_stride + column + d]);
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

template <class T, int kColumns, int kWarps, int kShorts>
struct WholeForm {
  static constexpr int kRows = std::max(kMediumSequence, kShorts* kShortSequence);
  static constexpr std::size_t kShared = 3 * kRows * SwizzledTile<kColumns>::kRowBytes;
  static bool Ask(Stream& stream) {
    return AskForShared<kShared>(stream, WholeKernel<T, kColumns, kWarps, kShorts>);
  }
  static void Launch(Stream& stream, const Operands<T>& o, const WholeWork& mediums,
                     const WholeWork& shorts) {
    const unsigned blocks = static_cast<unsigned>(mediums.pairs) + Blocks(shorts.pairs, kShorts);
    LaunchEarly(stream, "attention, whole sequences", WholeKernel<T, kColumns, kWarps, kShorts>,
                dim3(blocks), dim3(kWarps * kWarp), kShared, o, mediums, shorts);
  }
};

// Pairs a multiprocessor up to which each has four warps; beyond, short sequences have one and
// medium ones two. On an H100 a pass of 5609 tokens, 19 pairs, takes 939 and with four warps 960
// us.
constexpr int kFewPairs = 16;

// Both forms are asked for each time: asking loads a kernel, and a graph may be recorded with the
// one that no batch before it used.
template <class T, int kColumns>
void LaunchWhole(Stream& stream, const Operands<T>& o, const WholeWork& mediums,
                 const WholeWork& shorts) {
  using Few = WholeForm<T, kColumns, 4, 1>;
  using Many = WholeForm<T, kColumns, 2, 2>;
  const int pairs = mediums.pairs + shorts.pairs;
  if (pairs == 0 || !Few::Ask(stream) || !Many::Ask(stream)) return;
  if (pairs <= kFewPairs * stream.multiprocessors()) {
    Few::Launch(stream, o, mediums, shorts);
  } else {
    Many::Launch(stream, o, mediums, shorts);
  }
}

template <class T, int kColumns>
void LaunchTensorCore(Stream& stream, const Operands<T>& o, const AttentionWork& work) {
  LaunchWhole<T, kColumns>(stream, o, {work.medium_items, work.medium_count * o.heads},
                           {work.short_items, work.short_count * o.heads});
  if (work.long_count > 0) {
    constexpr std::size_t kShared = 5 * kKeyBlock * SwizzledTile<kColumns>::kRowBytes;
    if (!AskForShared<kShared>(stream, LongKernel<T, kColumns>)) return;
    LaunchEarly(stream, "attention, long", LongKernel<T, kColumns>,
                dim3(static_cast<unsigned>(work.long_count * o.heads)), dim3(kLongThreads), kShared,
                o, work.long_items);
  }
}

template <class T, int kLaneValues>
void LaunchSimple(Stream& stream, const Operands<T>& o, const AttentionWork& work) {
  const auto launch = [&](const AttentionItem* items, int count, int most_queries) {
    if (count == 0) return;
    LaunchEarly(stream, "attention, simple", SimpleKernel<T, kLaneValues>,
                dim3(static_cast<unsigned>(count * o.heads)), dim3(kWarp, kSimpleWarps), 0, o,
                items, most_queries);
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
    const int head_size = out.columns / heads;
    Launch<T>(stream,
              {.query = rows,
               .query_stride = qkv.columns,
               .key = rows + out.columns,
               .value = rows + 2 * out.columns,
               .key_stride = qkv.columns,
               .out = static_cast<T*>(out.data),
               .out_stride = out.columns,
               .heads = heads,
               .head_size = head_size,
               .scale = 1.0f / sqrtf(static_cast<float>(head_size)),
               .one_query = false,
               .query_rows = {}},
              work);
  });
}

void AttentionOfOneQuery(Stream& stream, ConstTensor query, const PooledRows& query_rows,
                         ConstTensor key_value, int heads, const AttentionWork& work, Tensor out) {
  if (!stream.ok()) return;
  DispatchType(query.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* const values =
        static_cast<const T*>(key_value.data) + (key_value.columns - out.columns);
    const int head_size = out.columns / heads;
    Launch<T>(stream,
              {.query = static_cast<const T*>(query.data),
               .query_stride = query.columns,
               .key = values - out.columns,
               .value = values,
               .key_stride = key_value.columns,
               .out = static_cast<T*>(out.data),
               .out_stride = out.columns,
               .heads = heads,
               .head_size = head_size,
               .scale = 1.0f / sqrtf(static_cast<float>(head_size)),
               .one_query = true,
               .query_rows = query_rows},
              work);
  });
}

}  // namespace embedserve::kernels
