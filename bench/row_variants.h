// Candidates for the kernels that only move rows, before one of them is shipped: each takes what
// its counterpart in kernels/ takes. Those that lose are deleted; bench/results keeps their
// figures.
#pragma once

#include <span>

#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/pooling.h"

namespace embedserve {

struct NormVariant {
  const char* name;
  void (*run)(kernels::Stream& stream, kernels::ConstTensor x, const float* bias,
              kernels::ConstTensor residual, const kernels::LayerNormParameters& norm,
              kernels::Tensor out);
};
struct EmbedVariant {
  const char* name;
  void (*run)(kernels::Stream& stream, const kernels::EmbeddingTables& tables, const int32_t* ids,
              const int32_t* position_rows, kernels::Tensor out);
};
struct PoolVariant {
  const char* name;  // mean only
  void (*run)(kernels::Stream& stream, kernels::ConstTensor x, const kernels::Sequences& sequences,
              kernels::Tensor out);
};

// fp16, 768 columns, bias and residual given.
std::span<const NormVariant> NormVariants();
std::span<const EmbedVariant> EmbedVariants();
std::span<const PoolVariant> PoolVariants();

}  // namespace embedserve
