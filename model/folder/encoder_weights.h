// The tensors of an encoder by role, whatever the files call them. Views into mapped files.
#pragma once

#include <optional>
#include <vector>

#include "model/folder/tensor_file.h"

namespace embedserve {

// y = x W^T + b.
struct LinearWeights {
  TensorView weight;  // (out, in)
  TensorView bias;    // (out)
};
struct LayerNormWeights {
  TensorView weight;  // (H)
  TensorView bias;    // (H)
};
struct LayerWeights {
  LinearWeights query, key, value;  // (H, H)
  LinearWeights attention_output;   // (H, H)
  LayerNormWeights attention_norm;  // after the residual
  LinearWeights intermediate;       // (F, H)
  LinearWeights output;             // (H, F)
  LayerNormWeights output_norm;     // after the residual
};
struct EncoderWeights {
  TensorView word_embeddings;                 // (V, H)
  TensorView position_embeddings;             // (positions, H)
  std::optional<TensorView> type_embeddings;  // (token_types, H); row 0 is used
  LayerNormWeights embedding_norm;
  std::vector<LayerWeights> layers;  // L
};

}  // namespace embedserve
