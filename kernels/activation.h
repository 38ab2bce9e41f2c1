// Element-wise activations.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

enum class ActivationKind {
  kGeluErf,    // x / 2 * (1 + erf(x / sqrt 2))
  kGeluTanh,   // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  kQuickGelu,  // x * sigmoid(1.702 x)
  kRelu,
  kSilu,  // x * sigmoid(x)
  kTanh,
  kSigmoid,
  kIdentity,
};

inline constexpr ActivationKind kAllActivationKinds[] = {
    ActivationKind::kGeluErf, ActivationKind::kGeluTanh, ActivationKind::kQuickGelu,
    ActivationKind::kRelu,    ActivationKind::kSilu,     ActivationKind::kTanh,
    ActivationKind::kSigmoid, ActivationKind::kIdentity};

// x = activation(x), in place, computed in fp32. Any shape.
void Activate(Stream& stream, ActivationKind kind, Tensor x);

// x += y, fp32, any shape: the residual of a Dense module.
void Add(Stream& stream, ConstTensor y, Tensor x);

}  // namespace embedserve::kernels
