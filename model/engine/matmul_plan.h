// Matrix products of one shape for any number of rows, on oneDNN.
//
// oneDNN 2.6 compiles a primitive per number of rows, and its kernels for a number known only at
// run time are slow. So a plan compiles one primitive for every row count of a tile up front
// (0.2 ms each) and larger counts are run tile by tile. Weights are packed once, in the order that
// the kernels read; every row of the result is one fp32 sum over `in` in the same order whatever
// the row count, the tile and the number of threads, so a row's bits depend on the row alone
// (matmul_plan_test checks it). Below AVX-512, where oneDNN falls back from its brgemm kernels to
// a general one, that holds for rows in groups of six only: see row_multiple_.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "dnnl.hpp"
#include "model/engine/buffer.h"
#include "model/folder/encoder_config.h"

namespace embedserve {

// Rows of one tile: its activations stay in a core's second-level cache, and the weights that are
// streamed past them are used 64 times.
inline constexpr int kTileRows = 64;

// Who computes a product: the calling thread of a parallel region alone, or oneDNN with all the
// engine's threads, called outside any parallel region.
enum class Team { kOneThread, kAllThreads };

struct MatmulShape {
  int in = 0;
  int out = 0;
  Activation activation = Activation::kIdentity;
  dnnl::memory::data_type in_type = dnnl::memory::data_type::f32;
  dnnl::memory::data_type out_type = dnnl::memory::data_type::f32;
};

// Weights in a plan's packed order, and the bias. Immutable.
struct PackedWeights {
  dnnl::memory weight;  // (in, out), as the plan wants it
  dnnl::memory bias;    // (1, out) fp32
};

class MatmulPlan {
 public:
  // `threads`: how many may call Run with Team::kOneThread at once, and how many
  // Team::kAllThreads uses. FAILED_PRECONDITION where oneDNN has no such product on this CPU.
  static absl::StatusOr<std::unique_ptr<MatmulPlan>> Create(const dnnl::engine& engine,
                                                            const MatmulShape& shape, int threads);

  // `weight` is (out, in) row-major, `bias` (out) or empty for none.
  PackedWeights Pack(std::span<const float> weight, std::span<const float> bias) const;

  // y (rows, out) = activation(x (rows, in) W^T + b), both dense. `thread` is below `threads`, and
  // 0 for kAllThreads; calls with distinct numbers may run at once.
  void Run(const PackedWeights& weights, Team team, int thread, int rows, const void* x,
           void* y) const;

  const MatmulShape& shape() const { return shape_; }
  // Up to how many rows kAllThreads shares among the threads, a multiple of kTileRows; 0 where it
  // does not: then it is the calling thread alone.
  int most_shared_rows() const { return most_shared_rows_; }

 private:
  // One compiled product and, per thread that may call it, handles for its rows.
  struct Variant {
    dnnl::matmul primitive;
    std::vector<dnnl::memory> x, y;
  };
  // What one thread needs to run any variant.
  struct Lane {
    dnnl::stream stream;
    dnnl::memory scratch;
    Buffer<std::byte> x, y;  // (row_multiple_ rows) a group that is not full
  };

  MatmulPlan(const dnnl::engine& engine, const MatmulShape& shape, int threads);
  dnnl::matmul::primitive_desc Describe(int rows, const dnnl::memory::desc& weight) const;
  void Compile(int rows, int callers, std::vector<Variant>& variants);
  void RunVariant(const Variant& variant, const PackedWeights& weights, int thread, const void* x,
                  void* y) const;
  void RunTail(const PackedWeights& weights, int thread, int rows, const std::byte* x,
               std::byte* y) const;
  std::size_t BytesIn(int rows) const;   // of x
  std::size_t BytesOut(int rows) const;  // of y

  dnnl::engine engine_;
  MatmulShape shape_;
  // 1, or 6: oneDNN's general kernel for AVX2 computes six rows at a time, and the one to three
  // rows that remain in another order. It is only ever called with whole groups.
  int row_multiple_ = 1;
  int most_shared_rows_ = 0;
  dnnl::memory::desc weight_desc_;
  dnnl::memory::desc scratch_desc_;   // the largest of all variants
  std::vector<Variant> one_thread_;   // [n - 1]: n groups, up to the rows of a tile
  std::vector<Variant> all_threads_;  // rows 1..kTileRows, then its multiples to most_shared_rows_
  std::vector<Lane> lanes_;           // (threads)
};

}  // namespace embedserve
