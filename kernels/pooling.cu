// A block owns 32 packets (256 columns; 32 where rows are not 16-byte aligned) of one sequence; its
// kStripes warps take every kStripes-th token each, and the stripes are added in order through
// shared memory: the order of the sum depends on the sequence's length alone. Bytes moved: one read
// of (T, H), one write of (B, H) in fp32; bound by device memory. Rows to come wait in shared
// memory that each lane fills and empties for itself.
#include "kernels/device/early.cuh"
#include "kernels/device/packet_copy.cuh"
#include "kernels/device/warp.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"
#include "kernels/pooled_row.cuh"
#include "kernels/pooling.h"

namespace embedserve::kernels {
namespace {

constexpr int kStripes = 4;
constexpr int kRing = 8;             // rows of a warp, all but one of them on their way
constexpr int kGatherThreads = 96;   // of one sequence
constexpr int kGatherSequences = 4;  // of a block

struct Range {
  int first;  // row of the sequence's first token
  int begin;  // first and past-last row that pools
  int end;
};

__device__ Range RangeOf(const Sequences& sequences, int b) {
  const int first = sequences.offsets[b];
  return {first, first + sequences.starts[b], sequences.offsets[b + 1]};
}

// Folds one more row into the stripe's running value.
template <int kCount>
__device__ void Fold(PoolKind kind, const float (&row)[kCount], float weight,
                     float (&value)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    if (kind == PoolKind::kMax) {
      value[i] = row[i] > value[i] || row[i] != row[i] ? row[i] : value[i];  // keeps NaN
    } else {
      value[i] += weight * row[i];
    }
  }
}

__device__ float Divisor(PoolKind kind, const Range& range) {
  const auto n = static_cast<float>(range.end - range.begin);
  switch (kind) {
    case PoolKind::kMean:
      return n;
    case PoolKind::kMeanSqrtLen:
      return sqrtf(n);
    case PoolKind::kWeightedMean: {
      // Positions begin + 1 ... end, counted from the sequence's first token.
      const auto low = static_cast<float>(range.begin - range.first + 1);
      const auto high = static_cast<float>(range.end - range.first);
      return 0.5f * n * (low + high);
    }
    case PoolKind::kFirst:
    case PoolKind::kMax:
    case PoolKind::kLast:
      return 1.0f;
  }
  return 1.0f;
}

// Calls use(packet, t) for the packets at x + t * width of t = first, first + kStripes, ... < end.
template <class T, int kCount, class Use>
__device__ void ForStripe(const T* x, std::size_t width, int first, int end, Use use) {
  if constexpr (kCount == 1) {
    for (int t = first; t < end; t += kStripes) {
      RawPacket<T, 1> value;
      value.Load(x + static_cast<std::size_t>(t) * width);
      use(value, t);
    }
  } else {
    __shared__ RawPacket<T, kCount> ring[kStripes][kRing][kWarp];
    const auto place = [&](int i) -> RawPacket<T, kCount>& {
      return ring[threadIdx.y][i % kRing][threadIdx.x];
    };
    const auto fetch = [&](int i) {
      const int t = first + i * kStripes;
      if (t < end) CopyPacketAsync(place(i), x + static_cast<std::size_t>(t) * width);
      CommitCopies();
    };
#pragma unroll
    for (int i = 0; i < kRing - 1; ++i) fetch(i);
    for (int i = 0; first + i * kStripes < end; ++i) {
      fetch(i + kRing - 1);
      WaitForCopies<kRing - 1>();
      use(place(i), first + i * kStripes);
    }
  }
}

template <class T, int kCount>
__global__ void __launch_bounds__(kStripes* kWarp)
    PoolKernel(const T* x, Sequences sequences, PoolKind kind, int columns, int out_first,
               int out_columns, float* out) {
  __shared__ float shared[kStripes][kWarp][kCount];
  LetNextStart();
  const int lane = static_cast<int>(threadIdx.x);
  const int stripe = static_cast<int>(threadIdx.y);
  const int column = (static_cast<int>(blockIdx.y) * kWarp + lane) * kCount;
  const int b = static_cast<int>(blockIdx.x);
  const bool inside = column < columns;
  const auto width = static_cast<std::size_t>(columns);

  const Range range = RangeOf(sequences, b);
  int begin = range.begin, end = range.end;
  if (kind == PoolKind::kFirst) end = min(end, begin + 1);
  if (kind == PoolKind::kLast) begin = max(begin, end - 1);
  const bool empty = begin >= end;
  WaitForInput();

  float value[kCount];
#pragma unroll
  for (float& v : value) v = kind == PoolKind::kMax && !empty ? -INFINITY : 0.0f;
  if (inside) {
    ForStripe<T, kCount>(x + column, width, begin + stripe, end, [&](const auto& packet, int t) {
      float row[kCount];
      packet.Unpack(row);
      const float weight =
          kind == PoolKind::kWeightedMean ? static_cast<float>(t - range.first + 1) : 1.0f;
      Fold(kind, row, weight, value);
    });
  }
#pragma unroll
  for (int i = 0; i < kCount; ++i) shared[stripe][lane][i] = value[i];
  __syncthreads();
  if (stripe != 0 || !inside) return;
  for (int s = 1; s < kStripes; ++s) Fold(kind, shared[s][lane], 1.0f, value);
  if (!empty) {
    const float divisor = Divisor(kind, range);
#pragma unroll
    for (float& v : value) v /= divisor;
  }
  StorePacket(out + static_cast<std::size_t>(b) * static_cast<std::size_t>(out_columns) +
                  out_first + column,
              value);
}

template <class T, int kCount>
__global__ void __launch_bounds__(kGatherThreads* kGatherSequences)
    GatherKernel(const T* x, PooledRows rows, int count, int columns, T* out) {
  LetNextStart();
  const int b = static_cast<int>(blockIdx.x) * kGatherSequences + static_cast<int>(threadIdx.y);
  const int row = b < count ? PooledRow(rows, b) : 0;
  WaitForInput();
  if (b >= count) return;
  const auto width = static_cast<std::size_t>(columns);
  const T* const from = x + static_cast<std::size_t>(row) * width;
  T* const to = out + static_cast<std::size_t>(b) * width;
  for (int c = static_cast<int>(threadIdx.x) * kCount; c < columns; c += kGatherThreads * kCount) {
    float v[kCount];
    LoadPacket(from + c, v);
    StorePacket(to + c, v);
  }
}

// Calls launch(tag of the type, integral constant of the values an access takes).
template <class Launch>
void Dispatch(ConstTensor x, Launch launch) {
  DispatchType(x.type, [&](auto tag) {
    if (x.columns % kPacket == 0) return launch(tag, std::integral_constant<int, kPacket>{});
    launch(tag, std::integral_constant<int, 1>{});
  });
}

}  // namespace

void Pool(Stream& stream, ConstTensor x, const Sequences& sequences,
          std::span<const PoolKind> kinds, Tensor out) {
  if (!stream.ok() || sequences.count == 0) return;
  Dispatch(x, [&](auto tag, auto count) {
    using T = typename decltype(tag)::type;
    constexpr int kColumns = kWarp * count();  // of one block
    const dim3 grid(static_cast<unsigned>(sequences.count), Blocks(x.columns, kColumns));
    int first = 0;
    for (const PoolKind kind : kinds) {
      LaunchEarly(stream, "pooling", PoolKernel<T, count()>, grid, dim3(kWarp, kStripes), 0,
                  static_cast<const T*>(x.data), sequences, kind, x.columns, first, out.columns,
                  static_cast<float*>(out.data));
      first += x.columns;
    }
  });
}

void GatherRows(Stream& stream, ConstTensor x, const PooledRows& rows, Tensor out) {
  if (!stream.ok() || out.rows == 0) return;
  Dispatch(x, [&](auto tag, auto count) {
    using T = typename decltype(tag)::type;
    LaunchEarly(stream, "gather", GatherKernel<T, count()>,
                dim3(Blocks(out.rows, kGatherSequences)), dim3(kGatherThreads, kGatherSequences), 0,
                x.data, rows, out.rows, x.columns, out.data);
  });
}

}  // namespace embedserve::kernels
