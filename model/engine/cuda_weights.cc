#include "model/engine/cuda_weights.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

#include "kernels/convert.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

using kernels::ConstTensor;
using kernels::DType;

// Values staged at a time.
constexpr std::size_t kChunk = CudaWeights::kStagingBytes / sizeof(float);

// Cuts the device's memory and fills it. Without memory it only measures: the same walk over the
// folder does both.
class Writer {
 public:
  Writer() : arena_(nullptr) {}
  Writer(kernels::Stream& stream, std::byte* memory)
      : stream_(&stream),
        arena_(memory),
        staging_(stream, kChunk * sizeof(float)),
        on_device_(stream, kChunk * sizeof(float)) {}

  // Tensors of one width, one below the other, as (rows, columns).
  ConstTensor Matrix(DType type, int columns, std::span<const TensorView* const> parts) {
    std::size_t size = 0;
    for (const TensorView* part : parts) size += part->size();
    const auto width = static_cast<std::size_t>(columns);
    const kernels::Tensor out = arena_.TakeTensor(type, static_cast<int>(size / width), columns);
    std::size_t row = 0;
    for (const TensorView* part : parts) {
      const std::size_t rows = part->size() / width;
      Fill([part](std::size_t first, std::span<float> to) { part->ToFloat(first, to); },
           out.Rows(static_cast<int>(row), static_cast<int>(rows)));
      row += rows;
    }
    return out;
  }
  ConstTensor Matrix(DType type, const TensorView& view, int columns) {
    const TensorView* const parts[] = {&view};
    return Matrix(type, columns, parts);
  }
  ConstTensor Row(DType type, const TensorView& view) {
    return Matrix(type, view, static_cast<int>(view.size()));
  }
  const float* Vector(const TensorView& view) {
    return static_cast<const float*>(Row(DType::kFp32, view).data);
  }
  kernels::LayerNormParameters Norm(const LayerNormWeights& norm, float eps) {
    return {Vector(norm.weight), Vector(norm.bias), eps};
  }

  // `table` with `row` (which may be null) added to each of its rows.
  ConstTensor TablePlusRow(DType type, const TensorView& table, const TensorView* row,
                           int columns) {
    if (row == nullptr) return Matrix(type, table, columns);
    const auto width = static_cast<std::size_t>(columns);
    std::vector<float> added(width);
    row->ToFloat(0, added);
    const kernels::Tensor out =
        arena_.TakeTensor(type, static_cast<int>(table.size() / width), columns);
    const auto source = [&](std::size_t first, std::span<float> to) {
      table.ToFloat(first, to);
      for (std::size_t i = 0; i < to.size(); ++i) to[i] += added[(first + i) % width];
    };
    Fill(source, out);
    return out;
  }

  std::size_t bytes() const { return arena_.used(); }

 private:
  using Source = std::function<void(std::size_t first, std::span<float> to)>;

  void Fill(const Source& source, kernels::Tensor out) {
    if (stream_ == nullptr) return;
    auto* const to = static_cast<std::byte*>(out.data);
    for (std::size_t first = 0; first < out.size() && stream_->ok(); first += kChunk) {
      const std::size_t count = std::min(kChunk, out.size() - first);
      const std::span<float> values(reinterpret_cast<float*>(staging_.data()), count);
      source(first, values);
      stream_->CopyToDevice(on_device_.data(), values.data(), values.size_bytes());
      const auto columns = static_cast<int>(count);
      kernels::Convert(*stream_, {on_device_.data(), DType::kFp32, 1, columns},
                       {to + first * kernels::ByteSize(out.type), out.type, 1, columns});
      stream_->Synchronize();  // the staging buffer is written again
    }
  }

  kernels::Stream* stream_ = nullptr;  // null: measures
  kernels::Arena arena_;
  kernels::PinnedBuffer staging_;
  kernels::DeviceBuffer on_device_;
};

CudaLayer WriteLayer(Writer& writer, const LayerWeights& from, const EncoderConfig& config,
                     DType type) {
  const TensorView* const qkv[] = {&from.query.weight, &from.key.weight, &from.value.weight};
  const TensorView* const qkv_bias[] = {&from.query.bias, &from.key.bias, &from.value.bias};
  CudaLayer layer;
  layer.qkv = writer.Matrix(type, config.hidden, qkv);
  layer.qkv_bias = writer.Matrix(type, config.hidden, qkv_bias);
  layer.attention_output = writer.Matrix(type, from.attention_output.weight, config.hidden);
  layer.attention_output_bias = writer.Vector(from.attention_output.bias);
  layer.attention_norm = writer.Norm(from.attention_norm, config.layer_norm_eps);
  layer.intermediate = writer.Matrix(type, from.intermediate.weight, config.hidden);
  layer.intermediate_bias = writer.Row(type, from.intermediate.bias);
  layer.output = writer.Matrix(type, from.output.weight, config.feed_forward);
  layer.output_bias = writer.Vector(from.output.bias);
  layer.output_norm = writer.Norm(from.output_norm, config.layer_norm_eps);
  return layer;
}

CudaHeadModule WriteHeadModule(Writer& writer, const HeadModule& module) {
  if (const auto* dense = std::get_if<DenseModule>(&module)) {
    CudaDense out;
    out.weight = writer.Matrix(DType::kFp32, dense->weight, dense->in_features);
    if (dense->bias.has_value()) out.bias = writer.Row(DType::kFp32, *dense->bias);
    if (dense->residual.has_value()) {
      out.residual = writer.Matrix(DType::kFp32, *dense->residual, dense->in_features);
    }
    out.use_residual = dense->use_residual;
    out.activation = KernelActivation(dense->activation);
    return out;
  }
  if (const auto* norm = std::get_if<LayerNormModule>(&module)) {
    return CudaNorm{writer.Norm({norm->weight, norm->bias}, LayerNormModule::kEps)};
  }
  return NormalizeModule{};
}

void WriteAll(Writer& writer, const ModelFolder& folder, DType type, CudaWeights& out) {
  const EncoderWeights& from = folder.weights;
  const int hidden = folder.encoder.hidden;
  out.embedding.words = writer.Matrix(type, from.word_embeddings, hidden);
  out.embedding.positions = writer.TablePlusRow(
      type, from.position_embeddings,
      from.type_embeddings.has_value() ? &*from.type_embeddings : nullptr, hidden);
  out.embedding.norm = writer.Norm(from.embedding_norm, folder.encoder.layer_norm_eps);
  out.layers.clear();
  for (const LayerWeights& layer : from.layers) {
    out.layers.push_back(WriteLayer(writer, layer, folder.encoder, type));
  }
  out.head.clear();
  for (const HeadModule& module : folder.head) out.head.push_back(WriteHeadModule(writer, module));
}

}  // namespace

DType StorageType(ComputeType type) {
  switch (type) {
    case ComputeType::kFp32:
      return DType::kFp32;
    case ComputeType::kFp16:
      return DType::kFp16;
    case ComputeType::kBf16:
      return DType::kBf16;
  }
  return DType::kFp32;
}

kernels::ActivationKind KernelActivation(Activation activation) {
  using Kind = kernels::ActivationKind;
  switch (activation) {
    case Activation::kGeluErf:
      return Kind::kGeluErf;
    case Activation::kGeluTanh:
      return Kind::kGeluTanh;
    case Activation::kQuickGelu:
      return Kind::kQuickGelu;
    case Activation::kRelu:
      return Kind::kRelu;
    case Activation::kSilu:
      return Kind::kSilu;
    case Activation::kTanh:
      return Kind::kTanh;
    case Activation::kSigmoid:
      return Kind::kSigmoid;
    case Activation::kIdentity:
      return Kind::kIdentity;
  }
  return Kind::kIdentity;
}

CudaWeights CudaWeights::Shapes(const ModelFolder& folder, ComputeType type) {
  CudaWeights weights;
  Writer writer;
  WriteAll(writer, folder, StorageType(type), weights);
  weights.bytes = writer.bytes();
  return weights;
}

absl::StatusOr<CudaWeights> CudaWeights::Load(kernels::Stream& stream, const ModelFolder& folder,
                                              ComputeType type) {
  CudaWeights weights = Shapes(folder, type);
  weights.memory = kernels::DeviceBuffer(stream, weights.bytes);
  Writer writer(stream, weights.memory.data());
  if (stream.ok()) WriteAll(writer, folder, StorageType(type), weights);
  if (!stream.ok()) return absl::InternalError(stream.error());
  return weights;
}

}  // namespace embedserve
