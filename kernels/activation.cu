// One thread, eight values: a 16-byte load and store each way (two for fp32). Bound by device
// memory; this kernel is what fusing the activation into the matrix product saves.
#include "kernels/activation.h"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kThreads = 256;

__device__ float Sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <ActivationKind kKind>
__device__ float Apply(float x) {
  if constexpr (kKind == ActivationKind::kGeluErf) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
  } else if constexpr (kKind == ActivationKind::kGeluTanh) {
    return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
  } else if constexpr (kKind == ActivationKind::kQuickGelu) {
    return x * Sigmoid(1.702f * x);
  } else if constexpr (kKind == ActivationKind::kRelu) {
    return x < 0.0f ? 0.0f : x;  // NaN stays NaN
  } else if constexpr (kKind == ActivationKind::kSilu) {
    return x * Sigmoid(x);
  } else if constexpr (kKind == ActivationKind::kTanh) {
    return tanhf(x);
  } else if constexpr (kKind == ActivationKind::kSigmoid) {
    return Sigmoid(x);
  } else {
    static_assert(kKind == ActivationKind::kIdentity, "an activation without a formula");
    return x;
  }
}

// The last thread takes the values that fill no packet, one by one.
template <class T, ActivationKind kKind>
__global__ void __launch_bounds__(kThreads) ActivateKernel(T* x, std::size_t size) {
  const std::size_t first =
      (static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x) * kPacket;
  if (first + kPacket <= size) {
    float v[kPacket];
    LoadPacket(x + first, v);
#pragma unroll
    for (int i = 0; i < kPacket; ++i) v[i] = Apply<kKind>(v[i]);
    StorePacket(x + first, v);
  } else {
    for (std::size_t i = first; i < size; ++i) x[i] = FromFloat<T>(Apply<kKind>(ToFloat(x[i])));
  }
}

__global__ void __launch_bounds__(kThreads) AddKernel(const float* y, float* x, std::size_t size) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < size) x[i] += y[i];
}

template <ActivationKind kKind>
void Launch(Stream& stream, Tensor x) {
  DispatchType(x.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    ActivateKernel<T, kKind><<<Blocks(x.size(), kThreads * kPacket), kThreads, 0, stream.get()>>>(
        static_cast<T*>(x.data), x.size());
  });
  stream.CheckLaunch("activation");
}

}  // namespace

void Activate(Stream& stream, ActivationKind kind, Tensor x) {
  if (!stream.ok() || x.size() == 0) return;
  switch (kind) {
    case ActivationKind::kGeluErf:
      return Launch<ActivationKind::kGeluErf>(stream, x);
    case ActivationKind::kGeluTanh:
      return Launch<ActivationKind::kGeluTanh>(stream, x);
    case ActivationKind::kQuickGelu:
      return Launch<ActivationKind::kQuickGelu>(stream, x);
    case ActivationKind::kRelu:
      return Launch<ActivationKind::kRelu>(stream, x);
    case ActivationKind::kSilu:
      return Launch<ActivationKind::kSilu>(stream, x);
    case ActivationKind::kTanh:
      return Launch<ActivationKind::kTanh>(stream, x);
    case ActivationKind::kSigmoid:
      return Launch<ActivationKind::kSigmoid>(stream, x);
    case ActivationKind::kIdentity:
      return;
  }
}

void Add(Stream& stream, ConstTensor y, Tensor x) {
  if (!stream.ok() || x.size() == 0) return;
  AddKernel<<<Blocks(x.size(), kThreads), kThreads, 0, stream.get()>>>(
      static_cast<const float*>(y.data), static_cast<float*>(x.data), x.size());
  stream.CheckLaunch("add");
}

}  // namespace embedserve::kernels
