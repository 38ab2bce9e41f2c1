#include "kernels/gelu_linear.h"

#include "kernels/buffer.h"
#include "kernels/gelu_linear_sm90.h"
#include "kernels/probe.h"
#include "kernels/small_gemm.h"

namespace embedserve::kernels {
namespace {

constexpr const char* kName = "product with GELU";

int Attribute(Stream& stream, cudaDeviceAttr attribute) {
  int value = 0;
  stream.Check(cudaDeviceGetAttribute(&value, attribute, stream.ordinal()), kName);
  return value;
}

}  // namespace

GeluLinear::GeluLinear(Stream& stream, DType type, int inputs, int outputs) {
  if (!stream.ok() || type == DType::kFp32 || inputs % 8 != 0 || outputs % 8 != 0) return;
  if (Attribute(stream, cudaDevAttrComputeCapabilityMajor) != 9 ||
      Attribute(stream, cudaDevAttrComputeCapabilityMinor) != 0) {
    return;
  }
  available_ = true;
  small_ = HasSmallGemm(type, inputs, outputs) && SmallGemmIsEqual(stream, type, inputs, outputs);
}

bool GeluLinear::SmallGemmIsEqual(Stream& stream, DType type, int inputs, int outputs) const {
  Tensor x, w, bias, expected, actual;
  unsigned* differences = nullptr;
  const auto cut = [&](Arena& arena) {
    x = arena.TakeTensor(type, kMostSmallRows, inputs);
    w = arena.TakeTensor(type, outputs, inputs);
    bias = arena.TakeTensor(type, 1, outputs);
    expected = arena.TakeTensor(type, kMostSmallRows, outputs);
    actual = arena.TakeTensor(type, kMostSmallRows, outputs);
    differences = arena.TakeArray<unsigned>(1);
  };
  Arena measure(nullptr);
  cut(measure);
  const DeviceBuffer memory(stream, measure.used());  // zeroed: so is the count
  Arena arena(memory.data());
  cut(arena);
  FillRandom(stream, 1, x);
  FillRandom(stream, 2, w);
  FillRandom(stream, 3, bias);
  RunLarge(stream, x, w, bias.data, expected);
  SmallGemm(stream, x, w, bias.data, SmallEpilogue::kBiasGelu, actual);
  CountDifferences(stream, expected, actual, differences);
  unsigned count = 1;
  stream.CopyToHost(&count, differences, sizeof count);
  stream.Synchronize();
  return stream.ok() && count == 0;
}

void GeluLinear::Run(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
                     Tensor y) const {
  if (small_ && x.rows <= kMostSmallRows) {
    SmallGemm(stream, x, w, bias, SmallEpilogue::kBiasGelu, y);
  } else {
    RunLarge(stream, x, w, bias, y);
  }
}

void GeluLinear::RunLarge(Stream& stream, ConstTensor x, ConstTensor w, const void* bias,
                          Tensor y) const {
  if (!stream.ok() || x.rows == 0) return;
  const sm90::GeluLinearArguments arguments{.x = x.data,
                                            .w = w.data,
                                            .bias = bias,
                                            .y = y.data,
                                            .m = x.rows,
                                            .n = w.rows,
                                            .k = w.columns,
                                            .ordinal = stream.ordinal(),
                                            .multiprocessors = stream.multiprocessors()};
  switch (x.type) {
    case DType::kFp16:
      stream.Check(sm90::GeluLinearFp16(arguments, stream.get()), kName);
      return;
    case DType::kBf16:
      stream.Check(sm90::GeluLinearBf16(arguments, stream.get()), kName);
      return;
    case DType::kFp32:
      stream.Fail(kName, "fp32 has no such kernel");
      return;
  }
}

}  // namespace embedserve::kernels
