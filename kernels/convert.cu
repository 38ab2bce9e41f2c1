#include "kernels/convert.h"
#include "kernels/dispatch.cuh"
#include "kernels/launch.cuh"

namespace embedserve::kernels {
namespace {

constexpr int kThreads = 256;

template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    ConvertKernel(const From* x, std::size_t size, To* out) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < size) out[i] = FromFloat<To>(ToFloat(x[i]));
}

}  // namespace

void Convert(Stream& stream, ConstTensor x, Tensor out) {
  if (!stream.ok() || x.size() == 0) return;
  const unsigned blocks = Blocks(x.size(), kThreads);
  DispatchType(x.type, [&](auto from) {
    DispatchType(out.type, [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      ConvertKernel<<<blocks, kThreads, 0, stream.get()>>>(static_cast<const From*>(x.data),
                                                           x.size(), static_cast<To*>(out.data));
    });
  });
  stream.CheckLaunch("conversion");
}

}  // namespace embedserve::kernels
