// What may follow the pooling: Dense, LayerNorm, Normalize (semantics.md 4).
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "model/folder/encoder_config.h"
#include "model/folder/json.h"
#include "model/folder/tensor_set.h"

namespace embedserve {

// y = activation(W x + b), plus x (or residual x) where the folder says so. Views into the folder's
// tensor files.
struct DenseModule {
  int in_features = 0;
  int out_features = 0;
  Activation activation = Activation::kTanh;
  TensorView weight;                   // (out, in)
  std::optional<TensorView> bias;      // (out)
  bool use_residual = false;           // add the input after the activation
  std::optional<TensorView> residual;  // (out, in), when widths differ
};
struct LayerNormModule {
  int dimension = 0;
  TensorView weight;  // (dimension)
  TensorView bias;    // (dimension)
  static constexpr float kEps = 1e-5f;
};
struct NormalizeModule {
  static constexpr float kEps = 1e-12f;
};
// What follows the pooling, in order. Dropout is dropped while reading: it is the identity.
using HeadModule = std::variant<DenseModule, LayerNormModule, NormalizeModule>;

// `config` is the root of the module's config.json, `width` what comes in. Refuses keys, values,
// widths and tensors that are not understood.
absl::StatusOr<DenseModule> ReadDense(JsonValue config, int width, TensorSet& tensors);
absl::StatusOr<LayerNormModule> ReadLayerNorm(JsonValue config, int width, TensorSet& tensors);
// Normalize has no settings that may differ from the default.
absl::Status CheckNormalize(JsonValue config);
absl::Status CheckDropout(JsonValue config);

}  // namespace embedserve
