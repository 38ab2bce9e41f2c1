// The two forms of SmallGemm (small_gemm.h), and what they share.
#pragma once

#include <type_traits>

#include "kernels/dispatch.cuh"
#include "kernels/small_gemm.h"

namespace embedserve::kernels {

inline constexpr int kMostSmallWeightBytes = 64 << 10;  // of w, in a block's shared memory

// Calls launch(TypeTag<T>{}, integral constant of the epilogue, integral constant of the tiles).
// fp16 and bf16; `tiles` of 8 outputs a block: 1, 2 or 3.
template <class Launch>
void DispatchSmallGemm(DType type, SmallEpilogue epilogue, int tiles, Launch launch) {
  const auto with_tiles = [&](auto tag, auto end) {
    if (tiles == 1) return launch(tag, end, std::integral_constant<int, 1>{});
    if (tiles == 2) return launch(tag, end, std::integral_constant<int, 2>{});
    return launch(tag, end, std::integral_constant<int, 3>{});
  };
  DispatchType(type, [&](auto tag) {
    if constexpr (!std::is_same_v<typename decltype(tag)::type, float>) {
      switch (epilogue) {
        case SmallEpilogue::kBias:
          return with_tiles(tag, std::integral_constant<SmallEpilogue, SmallEpilogue::kBias>{});
        case SmallEpilogue::kBiasGelu:
          return with_tiles(tag, std::integral_constant<SmallEpilogue, SmallEpilogue::kBiasGelu>{});
      }
    }
  });
}

// By wgmma and TMA: compute capability 9.0 alone. Compiled for sm_90a, whatever the build is for.
namespace sm90 {

// Does the device run this form, with this number of inputs? fp16 and bf16.
bool TakesSmallGemm(const Stream& stream, DType type, int inputs);

// `tiles` of 8 outputs a block: 1, 2 or 3, which the outputs are a multiple of; the bits do not
// depend on it.
void SmallGemm(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
               SmallEpilogue epilogue, int tiles, Tensor y);

}  // namespace sm90
}  // namespace embedserve::kernels
