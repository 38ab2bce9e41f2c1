// From a tensor's run-time type and width to a template's arguments, in one place.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

#include "kernels/device/packet.cuh"
#include "kernels/device/warp.cuh"
#include "kernels/tensor.h"

namespace embedserve::kernels {

template <class T>
struct TypeTag {
  using type = T;
};

// Calls launch(TypeTag<T>{}) for the storage type.
template <class Launch>
void DispatchType(DType type, Launch launch) {
  switch (type) {
    case DType::kFp32:
      return launch(TypeTag<float>{});
    case DType::kFp16:
      return launch(TypeTag<__half>{});
    case DType::kBf16:
      return launch(TypeTag<__nv_bfloat16>{});
  }
}

// Calls launch(std::integral_constant<int, P>{}) with the smallest P for which a warp of P packets
// a lane holds a row of `columns`, or with 0 for a row that is too wide or not 16-byte aligned.
template <class Launch>
void DispatchRow(int columns, Launch launch) {
  const int packets = (columns + kWarp * kPacket - 1) / (kWarp * kPacket);
  if (columns % kPacket != 0 || packets > 8) return launch(std::integral_constant<int, 0>{});
  if (packets == 1) return launch(std::integral_constant<int, 1>{});
  if (packets == 2) return launch(std::integral_constant<int, 2>{});
  if (packets == 3) return launch(std::integral_constant<int, 3>{});
  if (packets == 4) return launch(std::integral_constant<int, 4>{});
  return launch(std::integral_constant<int, 8>{});
}

}  // namespace embedserve::kernels
