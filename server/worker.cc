#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "server/named_thread.h"

namespace embedserve {
namespace {

void EndAll(Batch& batch, const absl::Status& status) {
  for (const BatchPart& part : batch.parts) part.job->End(status);
  batch = Batch();
}

}  // namespace

Worker::Worker(Scheduler& scheduler, std::unique_ptr<Engine> engine, const EncoderConfig& config)
    : scheduler_(scheduler),
      engine_(std::move(engine)),
      slots_(static_cast<std::size_t>(Engine::kMaxInFlight), Slot{.builder = BatchBuilder(config)}),
      thread_(NamedThread("worker", [this] { Run(); })) {}

Worker::~Worker() { thread_.join(); }

void Worker::Run() {
  while (true) {
    if (in_flight_ == 0) {
      std::optional<Batch> batch = scheduler_.Take();
      if (!batch.has_value()) return;
      Submit(*std::move(batch));
    }
    while (in_flight_ < slots_.size()) {
      std::optional<Batch> batch = scheduler_.TakeFull();
      if (!batch.has_value()) break;
      Submit(*std::move(batch));
    }
    if (in_flight_ > 0) Collect();
  }
}

void Worker::Submit(Batch batch) {
  Slot& slot = slots_[(oldest_ + in_flight_) % slots_.size()];
  slot.builder.Clear();
  for (const BatchPart& part : batch.parts) {
    for (int i = part.first; i < part.first + part.count; ++i) {
      slot.builder.Add(part.job->ids(i), part.job->pooling_start(i));
    }
  }
  slot.submitted = Clock::now();
  if (absl::Status status = engine_->Submit(slot.builder.Batch()); !status.ok()) {
    EndAll(batch, status);
    return;
  }
  slot.batch = std::move(batch);
  ++in_flight_;
}

void Worker::Collect() {
  Slot& slot = slots_[oldest_];
  const auto width = static_cast<std::size_t>(engine_->width());
  const std::size_t size = static_cast<std::size_t>(slot.batch.sequences) * width;
  if (rows_.size() < size) rows_.resize(size);
  const absl::Status status = engine_->Collect(std::span(rows_).first(size));
  oldest_ = (oldest_ + 1) % slots_.size();
  --in_flight_;
  if (!status.ok()) {
    EndAll(slot.batch, status);
    return;
  }
  const TimePoint now = Clock::now();
  scheduler_.Report(slot.batch.tokens, now - slot.submitted);
  std::span<const float> left(rows_.data(), size);
  for (const BatchPart& part : slot.batch.parts) {
    const std::size_t values = static_cast<std::size_t>(part.count) * width;
    part.job->SetRows(part.first, left.first(values), now);
    left = left.subspan(values);
  }
  slot.batch = Batch();
}

}  // namespace embedserve
