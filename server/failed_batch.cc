#include "server/failed_batch.h"

#include <string>
#include <utility>

#include "fmt/format.h"

namespace embedserve {
namespace {

void EndJobs(const Batch& batch, const absl::Status& error) {
  for (const BatchPart& part : batch.parts) part.job->End(error);
}

absl::Status LostTwice(const absl::Status& error) {
  return absl::DataLossError(fmt::format(
      "two devices were lost while they had the request, and it is not tried on another: {}",
      std::string(error.message())));
}

std::vector<Batch> OneByOne(const Batch& batch) {
  std::vector<Batch> alone;
  for (const BatchPart& part : batch.parts) {
    alone.push_back({.parts = {part},
                     .tokens = part.tokens(),
                     .sequences = part.count,
                     .outlived_device = batch.outlived_device,
                     .split = true});
  }
  return alone;
}

std::vector<Batch> AsItIs(Batch batch) {
  batch.begun = false;
  std::vector<Batch> again;
  again.push_back(std::move(batch));
  return again;
}

}  // namespace

std::vector<Batch> AfterFailure(Batch batch, const absl::Status& error) {
  const bool device_lost = absl::IsDataLoss(error);
  if (device_lost && !batch.begun) return AsItIs(std::move(batch));
  if (device_lost ? batch.outlived_device : batch.split) {
    EndJobs(batch, device_lost ? LostTwice(error) : error);
    return {};
  }
  if (!device_lost) return OneByOne(batch);
  batch.outlived_device = true;
  return AsItIs(std::move(batch));
}

}  // namespace embedserve
