// The weights of a folder in the memory of one device, converted once to the type that the engine
// computes in.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/activation.h"
#include "kernels/buffer.h"
#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"
#include "model/engine/engine.h"
#include "model/folder/model_folder.h"

namespace embedserve {

kernels::DType StorageType(ComputeType type);
kernels::ActivationKind KernelActivation(Activation activation);

// Biases that a matrix product adds have the compute type, as cuBLASLt wants; what a norm adds is
// fp32, as are all norms.
struct CudaLayer {
  kernels::ConstTensor qkv;               // (3H, H): query, key, value
  kernels::ConstTensor qkv_bias;          // (3, H)
  kernels::ConstTensor attention_output;  // (H, H)
  const float* attention_output_bias = nullptr;
  kernels::LayerNormParameters attention_norm;
  kernels::ConstTensor intermediate;       // (F, H)
  kernels::ConstTensor intermediate_bias;  // (1, F)
  kernels::ConstTensor output;             // (H, F)
  const float* output_bias = nullptr;
  kernels::LayerNormParameters output_norm;
};

// fp32, whatever the compute type: one row a sequence costs nothing.
struct CudaDense {
  kernels::ConstTensor weight;    // (out, in)
  kernels::ConstTensor bias;      // (1, out); data is null if there is none
  kernels::ConstTensor residual;  // (out, in); data is null if there is none
  bool use_residual = false;
  kernels::ActivationKind activation = kernels::ActivationKind::kIdentity;
};
struct CudaNorm {
  kernels::LayerNormParameters norm;
};
using CudaHeadModule = std::variant<CudaDense, CudaNorm, NormalizeModule>;

struct CudaWeights {
  // Without memory: shapes and bytes. Touches no device.
  static CudaWeights Shapes(const ModelFolder& folder, ComputeType type);
  // Device memory that Load takes beside the weights, and gives back.
  static constexpr std::size_t kStagingBytes = std::size_t{4} << 20;
  // Waits until everything is on the device. INTERNAL is the device's own error.
  static absl::StatusOr<CudaWeights> Load(kernels::Stream& stream, const ModelFolder& folder,
                                          ComputeType type);

  kernels::EmbeddingTables embedding;  // type row 0 is added to the positions, in fp32
  std::vector<CudaLayer> layers;
  std::vector<CudaHeadModule> head;
  std::size_t bytes = 0;
  kernels::DeviceBuffer memory;  // what all of the above points into
};

}  // namespace embedserve
