#include "server/worker.h"

#include <optional>
#include <utility>

#include "server/named_thread.h"

namespace embedserve {

Worker::Worker(Scheduler& scheduler, std::unique_ptr<Engine> engine, const EncoderConfig& config,
               DeviceLost device_lost)
    : scheduler_(scheduler),
      engine_(std::move(engine)),
      device_lost_(std::move(device_lost)),
      slots_(static_cast<std::size_t>(Engine::kMaxInFlight),
             Slot{.builder = BatchBuilder(config)}) {
  scheduler_.Join();
  thread_ = NamedThread("worker", [this] { Run(); });
}

Worker::~Worker() { thread_.join(); }

void Worker::Run() {
  while (true) {
    if (in_flight_ == 0) {
      std::optional<Batch> batch = scheduler_.Take();
      if (!batch.has_value() || !Submit(*std::move(batch))) return;
    }
    while (TakesMore()) {
      std::optional<Batch> batch = scheduler_.TakeFull();
      if (!batch.has_value()) break;
      if (!Submit(*std::move(batch))) return;
    }
    if (in_flight_ > 0 && !Collect()) return;
  }
}

bool Worker::TakesMore() const {
  if (in_flight_ == 0) return true;
  return in_flight_ < slots_.size() && !slots_[oldest_].batch.again();
}

bool Worker::Submit(Batch batch) {
  Slot& slot = slots_[(oldest_ + in_flight_) % slots_.size()];
  slot.builder.Clear();
  for (const BatchPart& part : batch.parts) {
    for (int i = part.first; i < part.first + part.count; ++i) {
      slot.builder.Add(part.job->ids(i), part.job->pooling_start(i));
    }
  }
  slot.submitted = Clock::now();
  if (absl::Status status = engine_->Submit(slot.builder.Batch()); !status.ok()) {
    return Failed(std::move(batch), status);
  }
  slot.batch = std::move(batch);
  ++in_flight_;
  return true;
}

bool Worker::Collect() {
  Slot& slot = slots_[oldest_];
  const std::size_t size =
      static_cast<std::size_t>(slot.batch.sequences) * static_cast<std::size_t>(engine_->width());
  if (rows_.size() < size) rows_.resize(size);
  const absl::Status status = engine_->Collect(std::span(rows_).first(size));
  oldest_ = (oldest_ + 1) % slots_.size();
  --in_flight_;
  Batch batch = std::exchange(slot.batch, {});
  if (!status.ok()) return Failed(std::move(batch), status);
  Deliver(batch, std::span(rows_).first(size), slot.submitted);
  return true;
}

void Worker::Deliver(const Batch& batch, std::span<const float> rows, TimePoint submitted) {
  const TimePoint now = Clock::now();
  scheduler_.Report(batch.tokens, now - submitted);
  for (const BatchPart& part : batch.parts) {
    const std::size_t values =
        static_cast<std::size_t>(part.count) * static_cast<std::size_t>(engine_->width());
    part.job->SetRows(part.first, rows.first(values), now);
    rows = rows.subspan(values);
  }
}

bool Worker::Failed(Batch batch, const absl::Status& error) {
  std::vector<Batch> failed;
  failed.push_back(std::move(batch));
  const bool lost = absl::IsDataLoss(error);
  if (lost) {
    // The other batches in flight went with the device.
    for (; in_flight_ > 0; --in_flight_) {
      failed.push_back(std::exchange(slots_[oldest_].batch, {}));
      oldest_ = (oldest_ + 1) % slots_.size();
    }
    const int left = scheduler_.Leave();
    if (device_lost_) device_lost_(error, left);
  }
  scheduler_.Failed(std::move(failed), error);
  return !lost;
}

}  // namespace embedserve
