#include "model/engine/cuda_engine.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kernels/buffer.h"
#include "kernels/device.h"
#include "kernels/gemm.h"
#include "kernels/graph.h"
#include "kernels/pooling.h"
#include "kernels/stream.h"
#include "model/engine/cuda_budget.h"
#include "model/engine/cuda_encoder.h"
#include "model/engine/cuda_head.h"
#include "model/engine/cuda_input.h"
#include "model/engine/cuda_memory.h"
#include "model/engine/cuda_scorer.h"
#include "model/engine/cuda_weights.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Graphs are made for sequences of at least this many tokens on average: blocks of work that a
// batch leaves idle still have to start and end.
constexpr int kGraphTokensASequence = 8;

kernels::PoolKind Kind(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kCls:
      return kernels::PoolKind::kFirst;
    case PoolingMode::kMax:
      return kernels::PoolKind::kMax;
    case PoolingMode::kMean:
      return kernels::PoolKind::kMean;
    case PoolingMode::kMeanSqrtLen:
      return kernels::PoolKind::kMeanSqrtLen;
    case PoolingMode::kWeightedMean:
      return kernels::PoolKind::kWeightedMean;
    case PoolingMode::kLastToken:
      return kernels::PoolKind::kLast;
  }
  return kernels::PoolKind::kFirst;
}

// The forward pass recorded for batches of at most these sizes.
struct Recording {
  CudaInputSize size;  // no items of a kind: made for batches without them
  kernels::Graph graph;
  kernels::Tensor rows;  // where it leaves its result
};

bool HasWhole(const CudaInputSize& size) { return size.short_items + size.medium_items > 0; }

// One batch in flight: its own stream, memory and graphs.
struct Slot {
  explicit Slot(int ordinal) : stream(ordinal) {}

  kernels::Stream stream;
  kernels::DeviceBuffer workspace;
  kernels::DeviceBuffer memory;
  kernels::PinnedBuffer input, output;
  CudaBatchMemory on_device;  // cut from `memory`
  kernels::AttentionPlan plan;
  std::vector<Recording> recordings;  // ascending by tokens
  int sequences = 0;                  // of the batch in flight
};

class CudaEngine final : public Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(const ModelFolder& folder,
                                                        const kernels::Device& device,
                                                        const EngineOptions& options);

  absl::Status Submit(const PackedBatch& batch) override;
  absl::StatusOr<std::span<const float>> Collect() override;
  bool Ready() override;
  int width() const override { return head_->width(); }
  BatchLimits limits() const override {
    return {options_.max_batch_tokens, options_.max_batch_sequences};
  }
  std::string device() const override { return device_; }
  std::string memory() const override;
  ComputeType compute_type() const override { return options_.compute_type; }
  std::shared_ptr<Scorer> scorer() override { return scorer_; }

 private:
  CudaEngine(const ModelFolder& folder, const EngineOptions& options)
      : config_(folder.encoder), options_(options) {
    for (const PoolingMode mode : folder.pooling.modes) kinds_.push_back(Kind(mode));
  }

  absl::Status CutSlot(const ModelFolder& folder, Slot& slot);
  absl::Status Record(Slot& slot);
  absl::Status WarmUp();
  // Puts the whole pass on the slot's stream and returns the rows (B, width()).
  kernels::Tensor Forward(Slot& slot, const CudaInput& input);
  const Recording* FindRecording(const Slot& slot, const PackedBatch& batch) const;
  absl::Status Error(const Slot& slot) const;
  // DATA_LOSS once anything has failed. A failed kernel takes the whole device with it; and since
  // the engine allocates nothing and keeps to what it warmed up, it knows no harmless failure.
  absl::Status Lost() const;

  EncoderConfig config_;
  EngineOptions options_;
  std::vector<kernels::PoolKind> kinds_;
  std::string device_;
  std::vector<std::unique_ptr<Slot>> slots_;  // kMaxInFlight, used in turn
  std::optional<kernels::GemmLibrary> library_;
  CudaWeights weights_;
  CudaMemory memory_;
  std::size_t beside_ = 0;  // bytes that CUDA took for itself since its context stood
  std::optional<CudaEncoder> encoder_;
  std::optional<CudaHead> head_;
  std::shared_ptr<Scorer> scorer_;
  int oldest_ = 0;  // slot of the next Collect
  int in_flight_ = 0;
};

absl::Status CudaEngine::Error(const Slot& slot) const {
  if (slot.stream.ok()) return absl::OkStatus();
  return absl::InternalError(fmt::format("{}: {}", device_, slot.stream.error()));
}

absl::Status CudaEngine::Lost() const {
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (absl::Status error = Error(*slot); !error.ok()) return absl::DataLossError(error.message());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine>> CudaEngine::Create(const ModelFolder& folder,
                                                           const kernels::Device& device,
                                                           const EngineOptions& options) {
  std::unique_ptr<CudaEngine> engine(new CudaEngine(folder, options));
  engine->device_ = fmt::format("cuda:{} ({})", device.ordinal, device.name);
  for (int i = 0; i < kMaxInFlight; ++i) {
    engine->slots_.push_back(std::make_unique<Slot>(device.ordinal));
    RETURN_IF_ERROR(engine->Error(*engine->slots_.back()));
  }
  Slot& first = *engine->slots_.front();
  kernels::Stream& stream = first.stream;
  ASSIGN_OR_RETURN(const BatchLimits limits,
                   LimitsWithinMemory(folder, options, stream.multiprocessors()));
  engine->options_.max_batch_tokens = limits.tokens;
  const std::size_t free_before = kernels::FreeDeviceMemory(stream);
  for (const std::unique_ptr<Slot>& slot : engine->slots_) {
    slot->workspace = kernels::DeviceBuffer(slot->stream, kernels::kGemmWorkspaceBytes);
    RETURN_IF_ERROR(engine->Error(*slot));
  }
  engine->library_.emplace(stream);
  ASSIGN_OR_RETURN(engine->weights_, CudaWeights::Load(stream, folder, options.compute_type));
  for (const TensorFile& file : folder.files) file.DropPages();
  engine->memory_ =
      CudaMemory::Of(folder, engine->weights_, StorageType(options.compute_type), engine->limits());
  engine->encoder_.emplace(stream, *engine->library_, first.workspace, folder.encoder,
                           engine->weights_, StorageType(options.compute_type),
                           engine->options_.max_batch_tokens, engine->kinds_);
  engine->head_.emplace(stream, *engine->library_, first.workspace, engine->weights_.head,
                        static_cast<int>(engine->kinds_.size()) * folder.encoder.hidden,
                        options.max_batch_sequences);
  for (const std::unique_ptr<Slot>& slot : engine->slots_) {
    RETURN_IF_ERROR(engine->CutSlot(folder, *slot));
  }
  ASSIGN_OR_RETURN(engine->scorer_,
                   NewCudaScorer(device.ordinal, engine->width(), options.hang_timeout));
  RETURN_IF_ERROR(engine->WarmUp());
  for (const std::unique_ptr<Slot>& slot : engine->slots_) {
    RETURN_IF_ERROR(engine->Record(*slot));
    slot->stream.set_patience(options.hang_timeout);
  }
  const std::size_t taken = free_before - kernels::FreeDeviceMemory(stream);
  engine->beside_ = taken - std::min(taken, engine->memory_.held());
  return engine;
}

absl::Status CudaEngine::CutSlot(const ModelFolder& folder, Slot& slot) {
  const auto cut = [&](kernels::Arena& arena) {
    return CudaBatchMemory::Cut(arena, folder, weights_, StorageType(options_.compute_type),
                                limits());
  };
  kernels::Arena measure(nullptr);
  cut(measure);
  slot.memory = kernels::DeviceBuffer(slot.stream, measure.used());
  kernels::Arena arena(slot.memory.data());
  slot.on_device = cut(arena);
  slot.input = kernels::PinnedBuffer(
      slot.stream,
      CudaInputSize::Most(options_.max_batch_tokens, options_.max_batch_sequences).bytes());
  slot.output =
      kernels::PinnedBuffer(slot.stream, static_cast<std::size_t>(options_.max_batch_sequences) *
                                             static_cast<std::size_t>(width()) * sizeof(float));
  return Error(slot);
}

std::string CudaEngine::memory() const {
  return fmt::format("{}; CUDA's code and graphs {:.1f} MiB", Describe(memory_),
                     static_cast<double>(beside_) / (1 << 20));
}

kernels::Tensor CudaEngine::Forward(Slot& slot, const CudaInput& input) {
  const int rows = input.sequences.count;
  encoder_->Run(slot.stream, slot.workspace, input, slot.on_device.activations,
                head_->Input(slot.on_device.head_rows, rows));
  return head_->Run(slot.stream, slot.workspace, slot.on_device.head_rows, rows);
}

// CUDA loads a kernel when it is first used, which takes memory and which recording a graph does
// not allow: batches up to each bucket, of sequences for each kind of attention, use all there are.
absl::Status CudaEngine::WarmUp() {
  const int multiprocessors = slots_.front()->stream.multiprocessors();
  const int longest = config_.MaxSequenceLength();
  BatchBuilder builder(config_);
  for (const int tokens : kernels::RowBuckets(options_.max_batch_tokens, multiprocessors)) {
    for (const int length : {1, kernels::kShortSequence, kernels::kMediumSequence, longest}) {
      const std::vector<int32_t> ids(static_cast<std::size_t>(std::min(length, longest)), 0);
      builder.Clear();
      while (builder.tokens() + static_cast<int>(ids.size()) <= tokens &&
             builder.sequences() < options_.max_batch_sequences) {
        builder.Add(ids);
      }
      for (int i = 0; i < kMaxInFlight; ++i) {
        RETURN_IF_ERROR(Submit(builder.Batch()));
        RETURN_IF_ERROR(Collect().status());
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CudaEngine::Record(Slot& slot) {
  const int multiprocessors = slot.stream.multiprocessors();
  for (const int tokens :
       kernels::RowBuckets(std::min(MostGraphTokens(multiprocessors), options_.max_batch_tokens),
                           multiprocessors)) {
    const int sequences =
        std::min(std::max(1, tokens / kGraphTokensASequence), options_.max_batch_sequences);
    const CudaInputSize most = CudaInputSize::Most(tokens, sequences);
    // Sequences that attention holds whole are one launch of it, long ones another: with and
    // without each.
    for (int kinds = 1; kinds < 4; ++kinds) {
      Recording recording{.size = most};
      if ((kinds & 1) == 0) recording.size.short_items = recording.size.medium_items = 0;
      if ((kinds & 2) == 0) recording.size.long_items = 0;
      const CudaInput input = InputAt(slot.on_device.input, recording.size);
      recording.graph =
          kernels::Graph::Record(slot.stream, [&] { recording.rows = Forward(slot, input); });
      slot.recordings.push_back(std::move(recording));
    }
  }
  slot.stream.Synchronize();
  return Error(slot);
}

const Recording* CudaEngine::FindRecording(const Slot& slot, const PackedBatch& batch) const {
  const CudaInputSize size = CudaInputSize::Of(batch, slot.plan);
  const auto found = std::ranges::find_if(slot.recordings, [&](const Recording& recording) {
    const CudaInputSize& most = recording.size;
    return size.tokens <= most.tokens && size.sequences <= most.sequences &&
           size.short_items <= most.short_items && size.medium_items <= most.medium_items &&
           size.long_items <= most.long_items && HasWhole(size) == HasWhole(most) &&
           (size.long_items == 0) == (most.long_items == 0);
  });
  return found == slot.recordings.end() ? nullptr : &*found;
}

absl::Status CudaEngine::Submit(const PackedBatch& batch) {
  if (in_flight_ == kMaxInFlight) {
    return absl::ResourceExhaustedError(
        fmt::format("{} batches are in flight already; collect one first", kMaxInFlight));
  }
  RETURN_IF_ERROR(CheckBatch(batch, config_, options_));
  Slot& slot = *slots_[static_cast<std::size_t>((oldest_ + in_flight_) % kMaxInFlight)];
  slot.stream.Idle();  // another kernel of the process may have taken the device along
  RETURN_IF_ERROR(Lost());
  slot.sequences = batch.sequences();
  if (batch.sequences() > 0) {
    slot.stream.MakeCurrent();
    slot.plan.Build(batch.offsets);
    const Recording* const recording = FindRecording(slot, batch);
    const CudaInputSize size =
        recording != nullptr ? recording->size : CudaInputSize::Of(batch, slot.plan);
    WriteInput(batch, slot.plan, size, slot.input.data());
    slot.stream.CopyToDevice(slot.on_device.input, slot.input.data(), size.bytes());
    kernels::Tensor rows;
    if (recording != nullptr) {
      recording->graph.Launch(slot.stream);
      rows = recording->rows;
    } else {
      rows = Forward(slot, InputAt(slot.on_device.input, size));
    }
    // Should one of these have failed, Collect tells: the batch has begun and may be the cause.
    slot.stream.CopyToHost(slot.output.data(), rows.data, rows.Rows(0, batch.sequences()).bytes());
  }
  ++in_flight_;
  return absl::OkStatus();
}

bool CudaEngine::Ready() {
  return in_flight_ == 0 || slots_[static_cast<std::size_t>(oldest_)]->stream.Idle();
}

absl::StatusOr<std::span<const float>> CudaEngine::Collect() {
  if (in_flight_ == 0) return absl::FailedPreconditionError("no batch was submitted");
  Slot& slot = *slots_[static_cast<std::size_t>(oldest_)];
  oldest_ = (oldest_ + 1) % kMaxInFlight;
  --in_flight_;
  if (slot.sequences > 0) {
    slot.stream.MakeCurrent();
    slot.stream.Synchronize();
    slot.stream.Recheck();
    RETURN_IF_ERROR(Lost());
  }
  return std::span(reinterpret_cast<const float*>(slot.output.data()),
                   static_cast<std::size_t>(slot.sequences) * static_cast<std::size_t>(width()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> NewCudaEngine(const ModelFolder& folder, int ordinal,
                                                      const EngineOptions& options) {
  const kernels::DriverAnswer answer = kernels::AskDriver();
  if (const std::string reason = kernels::WhyNoDevice(answer); !reason.empty()) {
    return absl::FailedPreconditionError(reason);
  }
  const auto device = std::ranges::find(answer.devices, ordinal, &kernels::Device::ordinal);
  if (device == answer.devices.end() || !device->supported()) {
    std::string usable;
    for (const kernels::Device& each : answer.devices) {
      if (each.supported()) usable += (usable.empty() ? "" : "; ") + Describe(each);
    }
    return absl::FailedPreconditionError(
        fmt::format("cuda:{} cannot be used; devices that can: {}", ordinal, usable));
  }
  return CudaEngine::Create(folder, *device, options);
}

}  // namespace embedserve
