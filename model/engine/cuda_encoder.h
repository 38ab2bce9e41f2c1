// The transformer encoder and the pooling on a device: packed token ids -> one row a sequence
// (semantics.md 7, 8).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/gelu_linear.h"
#include "kernels/gemm.h"
#include "kernels/pooling.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"
#include "model/engine/cuda_input.h"
#include "model/engine/cuda_weights.h"
#include "model/folder/encoder_config.h"

namespace embedserve {

// Everything that changes while a batch is computed; each batch in flight has its own. Rows that
// no batch has written hold zeros: they are computed upon where a batch is smaller than its graph.
struct CudaActivations {
  kernels::Tensor hidden;   // (T, H) input and output of a layer
  kernels::Tensor context;  // (T, H) of the attention
  kernels::Tensor sum;      // (T, H) a product before its residual and norm
  kernels::Tensor wide;     // (T, max(3H, F))

  static CudaActivations Cut(kernels::Arena& arena, const EncoderConfig& config,
                             kernels::DType type, int most_tokens);
};

class CudaEncoder {
 public:
  // Chooses the plans of all matrix products; failures stick to `stream`. Where `pooling` is kFirst
  // or kLast alone, the last layer computes the single row of a sequence that it takes: all of its
  // keys and values, but one query, and what follows for B rows instead of T.
  CudaEncoder(kernels::Stream& stream, const kernels::GemmLibrary& library,
              const kernels::DeviceBuffer& workspace, const EncoderConfig& config,
              const CudaWeights& weights, kernels::DType type, int most_tokens,
              std::span<const kernels::PoolKind> pooling);
  // Most device memory that the constructor takes at a time, and gives back.
  static std::size_t TrialBytes(const EncoderConfig& config, kernels::DType type, int most_tokens);

  // Leaves the kinds of pooling side by side in `pooled` (B, kinds * H), fp32.
  void Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace, const CudaInput& input,
           const CudaActivations& activations, kernels::Tensor pooled);

 private:
  struct Pass;  // what Run's steps share
  struct Rows;  // what a layer's steps after the attention work on

  void RunLayer(const Pass& pass, const CudaLayer& layer);
  // For the rows that the pooling takes: with the queries of these rows alone, or, in two kernels
  // fewer, of all.
  void RunLastLayer(const Pass& pass, const CudaLayer& layer);
  void RunLastLayerWhole(const Pass& pass, const CudaLayer& layer);
  // What follows the attention.
  void FinishLayer(const Pass& pass, const CudaLayer& layer, const Rows& rows);

  EncoderConfig config_;
  const CudaWeights& weights_;
  std::vector<kernels::PoolKind> pooling_;
  std::optional<kernels::PoolKind> one_row_;  // the pooling, if it takes one row of a sequence
  bool products_agree_;                       // in bits, whichever rows of a weight they take
  kernels::Gemm qkv_, attention_output_, output_;
  kernels::GeluLinear gelu_;                        // with kGeluErf, where it is available;
  std::optional<kernels::Gemm> intermediate_;       // otherwise
  std::optional<kernels::Gemm> query_, key_value_;  // of the last layer, with one_row_
};

}  // namespace embedserve
