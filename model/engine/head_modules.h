// The modules of a folder that follow the pooling: Dense, LayerNorm, Normalize (semantics.md 4),
// always in fp32.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "dnnl.hpp"
#include "model/engine/buffer.h"
#include "model/engine/layer_norm.h"
#include "model/engine/matmul_plan.h"
#include "model/folder/model_folder.h"

namespace embedserve {

class HeadChain {
 public:
  // `width`: of the pooled rows.
  static absl::StatusOr<HeadChain> Create(const dnnl::engine& engine,
                                          std::span<const HeadModule> modules, int width,
                                          int threads);

  bool empty() const { return steps_.empty(); }
  int width() const { return width_; }  // of the result

  // Where thread number `thread` puts up to kTileRows pooled rows, and what turns them into result
  // rows (rows, width()), valid until the thread's next call. Distinct threads may work at once.
  float* Input(int thread);
  const float* Apply(int thread, int rows);

 private:
  struct Dense {
    std::unique_ptr<MatmulPlan> plan;
    PackedWeights weights;
    bool use_residual = false;
    std::unique_ptr<MatmulPlan> residual_plan;  // null: the input itself
    PackedWeights residual_weights;
  };
  struct Norm {
    int width;
    LayerNorm norm;
  };
  struct L2 {
    int width;
  };
  using Step = std::variant<Dense, Norm, L2>;
  struct Rows {
    Buffer<float> x, y, residual;  // (kTileRows, widest)
  };

  HeadChain() = default;
  static absl::StatusOr<Dense> MakeDense(const dnnl::engine& engine, const DenseModule& module,
                                         int threads);
  static void Run(const Dense& dense, int thread, int rows, Rows& buffers);
  static void Run(const Norm& norm, int thread, int rows, Rows& buffers);
  static void Run(const L2& l2, int thread, int rows, Rows& buffers);

  int width_ = 0;
  std::vector<Step> steps_;
  std::vector<Rows> buffers_;  // (threads)
};

}  // namespace embedserve
