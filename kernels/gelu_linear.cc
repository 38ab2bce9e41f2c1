#include "kernels/gelu_linear.h"

#include "kernels/buffer.h"
#include "kernels/code_architecture.h"
#include "kernels/gelu_linear_forms.h"
#include "kernels/probe.h"
#include "kernels/small_gemm.h"

namespace embedserve::kernels {
namespace {

constexpr const char* kName = "product with GELU";

GeluLinearKernel KernelOf(GeluLinearForm form, DType type) {
  const bool fp16 = type == DType::kFp16;
  switch (form) {
    case GeluLinearForm::kNone:
      return {};
    case GeluLinearForm::kSm80:
      return fp16 ? sm80::GeluLinearFp16() : sm80::GeluLinearBf16();
    case GeluLinearForm::kSm90:
      return fp16 ? sm90::GeluLinearFp16() : sm90::GeluLinearBf16();
  }
  return {};
}

}  // namespace

GeluLinear::GeluLinear(Stream& stream, DType type, int inputs, int outputs, GeluLinearForm newest) {
  if (!stream.ok() || type == DType::kFp32 || inputs % 8 != 0 || outputs % 8 != 0) return;
  for (const GeluLinearForm form : {GeluLinearForm::kSm90, GeluLinearForm::kSm80}) {
    if (form <= newest && CodeArchitecture(KernelOf(form, type).kernel) != 0) {
      form_ = form;
      break;
    }
  }
  small_ = available() && HasSmallGemm(stream, type, inputs, outputs) &&
           SmallGemmIsEqual(stream, type, inputs, outputs);
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
  if (!available() || x.type == DType::kFp32) {
    stream.Fail(kName, "this build, the device or the type has no such kernel");
    return;
  }
  stream.Check(KernelOf(form_, x.type)
                   .run({.x = x.data,
                         .w = w.data,
                         .bias = bias,
                         .y = y.data,
                         .m = x.rows,
                         .n = w.rows,
                         .k = w.columns,
                         .ordinal = stream.ordinal(),
                         .multiprocessors = stream.multiprocessors()},
                        stream.get()),
               kName);
}

}  // namespace embedserve::kernels
