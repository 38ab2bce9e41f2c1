// The transformer encoder on a device: packed token ids -> last hidden states (semantics.md 7).
#pragma once

#include <cstddef>
#include <optional>

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
  // Chooses the plans of all matrix products; failures stick to `stream`. With `one_row` the last
  // layer computes the single row of a sequence that kFirst or kLast pooling takes: all of its
  // keys and values, but one query, and the feed-forward block for B rows instead of T.
  CudaEncoder(kernels::Stream& stream, const kernels::GemmLibrary& library,
              const kernels::DeviceBuffer& workspace, const EncoderConfig& config,
              const CudaWeights& weights, kernels::DType type, int most_tokens,
              std::optional<kernels::PoolKind> one_row);
  // Most device memory that the constructor takes at a time, and gives back.
  static std::size_t TrialBytes(const EncoderConfig& config, kernels::DType type, int most_tokens);

  // Leaves the last hidden states in activations.hidden: (T, H), or (B, H) with `one_row`.
  void Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace, const CudaInput& input,
           const CudaActivations& activations);

 private:
  struct Pass;  // what Run's steps share

  void RunLayer(const Pass& pass, const CudaLayer& layer);
  void RunLastLayer(const Pass& pass, const CudaLayer& layer);
  // What follows the attention, for `rows` rows: from `context` and the layer's input `residual`
  // to the hidden rows. `product` is overwritten and is neither of the two.
  void FinishLayer(const Pass& pass, const CudaLayer& layer, kernels::Tensor context,
                   kernels::ConstTensor residual, kernels::Tensor product, int rows);

  EncoderConfig config_;
  const CudaWeights& weights_;
  std::optional<kernels::PoolKind> one_row_;
  kernels::Gemm qkv_, attention_output_, output_;
  kernels::GeluLinear gelu_;                        // with kGeluErf, where it is available;
  std::optional<kernels::Gemm> intermediate_;       // otherwise
  std::optional<kernels::Gemm> query_, key_value_;  // of the last layer with one_row_
};

}  // namespace embedserve
