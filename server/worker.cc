#include "server/worker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/named_thread.h"

namespace embedserve {
namespace {

void EndAll(const std::vector<std::shared_ptr<EmbeddingJob>>& finished) {
  for (const auto& job : finished) job->End(absl::OkStatus());
}

}  // namespace

Worker::Worker(Scheduler& scheduler, std::unique_ptr<Engine> engine, const EncoderConfig& config,
               DeviceLost device_lost, TaskPool* tasks)
    : scheduler_(scheduler),
      engine_(std::move(engine)),
      device_lost_(std::move(device_lost)),
      tasks_(tasks),
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
    if (!Stage()) return;
    if (in_flight_ > 0 && !Collect()) return;
  }
}

// While a batch runs, what comes is put behind it once it is half as large: so the device does not
// wait for the host, and what is staged early is never a tiny batch beside a large one. Behind one
// that is done, or that Collect will compute, only a full batch loses nothing.
bool Worker::Stage() {
  bool runs = true;
  while (runs && TakesMore()) {
    runs = !engine_->Ready();
    const int enough = runs ? (slots_[oldest_].batch.tokens + 1) / 2 : engine_->limits().tokens;
    std::optional<Batch> batch = scheduler_.TakeAtLeast(enough);
    if (batch.has_value() && !Submit(*std::move(batch))) return false;
  }
  return true;
}

bool Worker::TakesMore() const {
  return in_flight_ > 0 && in_flight_ < slots_.size() && !slots_[oldest_].batch.again();
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
  slot.batch.begun = true;
  ++in_flight_;
  return true;
}

bool Worker::Collect() {
  Slot& slot = slots_[oldest_];
  const absl::StatusOr<std::span<const float>> rows = engine_->Collect();
  oldest_ = (oldest_ + 1) % slots_.size();
  --in_flight_;
  Batch batch = std::exchange(slot.batch, {});
  if (!rows.ok()) return Failed(std::move(batch), rows.status());
  Deliver(batch, *rows, slot.submitted);
  return true;
}

void Worker::Deliver(const Batch& batch, std::span<const float> rows, TimePoint submitted) {
  const TimePoint now = Clock::now();
  // A batch that was staged began when the one before it was done.
  scheduler_.Report(batch.tokens, now - std::max(submitted, done_));
  done_ = now;
  std::vector<std::shared_ptr<EmbeddingJob>> finished;
  for (const BatchPart& part : batch.parts) {
    const std::size_t values =
        static_cast<std::size_t>(part.count) * static_cast<std::size_t>(engine_->width());
    if (part.job->SetRows(part.first, rows.first(values), now)) finished.push_back(part.job);
    rows = rows.subspan(values);
  }
  Answer(std::move(finished));
}

// A reply costs tens of microseconds of a core, and a batch has up to hundreds: they go to other
// threads in pieces worth the hand-over. A lone caller has the answer sooner without one, and
// nobody waits behind a long task.
void Worker::Answer(std::vector<std::shared_ptr<EmbeddingJob>> jobs) {
  constexpr int kRowsAPiece = 32;
  const bool alone = jobs.size() == 1 && in_flight_ == 0 && scheduler_.queued_tokens() == 0;
  for (std::size_t first = 0; first < jobs.size();) {
    std::vector<std::shared_ptr<EmbeddingJob>> piece;
    for (int rows = 0; first < jobs.size() && rows < kRowsAPiece; ++first) {
      rows += jobs[first]->sequences();
      piece.push_back(std::move(jobs[first]));
    }
    if (tasks_ == nullptr || alone || !tasks_->HasFreeThread()) {
      EndAll(piece);
    } else {
      tasks_->Post([piece = std::move(piece)](Tokenizer::Scratch&) { EndAll(piece); });
    }
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
