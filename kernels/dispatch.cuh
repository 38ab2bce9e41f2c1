// From a tensor's run-time type and width to a template's arguments, in one place.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <string>
#include <type_traits>

#include "kernels/device/packet.cuh"
#include "kernels/device/warp.cuh"
#include "kernels/stream.h"
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
// a lane holds a row of `columns`.
template <class Launch>
void DispatchRow(Stream& stream, const char* operation, int columns, Launch launch) {
  const int packets = (columns + kWarp * kPacket - 1) / (kWarp * kPacket);
  if (columns <= 0 || columns % kPacket != 0 || packets > 8) {
    stream.Fail(operation, "rows of " + std::to_string(columns) +
                               " values; multiples of 8 up to 2048 are supported");
  } else if (packets == 1) {
    launch(std::integral_constant<int, 1>{});
  } else if (packets == 2) {
    launch(std::integral_constant<int, 2>{});
  } else if (packets == 3) {
    launch(std::integral_constant<int, 3>{});
  } else if (packets == 4) {
    launch(std::integral_constant<int, 4>{});
  } else {
    launch(std::integral_constant<int, 8>{});
  }
}

}  // namespace embedserve::kernels
