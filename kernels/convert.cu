// A packet of values a thread. Bytes moved: one read and one write; bound by device memory.
#include <cstdint>

#include "kernels/convert.h"
#include "kernels/device/early.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kThreads = 256;

template <int kCount, class From, class To>
__global__ void __launch_bounds__(kThreads)
    ConvertKernel(const From* x, std::size_t size, To* out) {
  LetNextStart();
  WaitForInput();
  const std::size_t i = (static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x) * kCount;
  if (i >= size) return;
  float v[kCount];
  LoadPacket(x + i, v);
  StorePacket(out + i, v);
}

// A piece of a tensor may begin anywhere.
bool IsAligned(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % sizeof(uint4) == 0;
}

}  // namespace

void Convert(Stream& stream, ConstTensor x, Tensor out) {
  if (!stream.ok() || x.size() == 0) return;
  DispatchType(x.type, [&](auto from) {
    DispatchType(out.type, [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      const auto launch = [&](auto kernel, int a_thread) {
        LaunchEarly(stream, "conversion", kernel, dim3(Blocks(x.size(), kThreads * a_thread)),
                    dim3(kThreads), 0, static_cast<const From*>(x.data), x.size(),
                    static_cast<To*>(out.data));
      };
      if (x.size() % kPacket == 0 && IsAligned(x.data) && IsAligned(out.data))
        return launch(ConvertKernel<kPacket, From, To>, kPacket);
      launch(ConvertKernel<1, From, To>, 1);
    });
  });
}

}  // namespace embedserve::kernels
