// What becomes of a batch that an engine did not finish (serving.md 11). Each kind of failure is
// forgiven once:
// - a lost device: the batch runs again as it is, on another one. A device that was lost before it
//   took the batch does not count;
// - any other: its requests run again one by one, so that a bad one fails alone.
// So a request that kills devices takes two of them at most, and none runs more than three times.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "server/batch_queue.h"

namespace embedserve {

// The batches to run again; the jobs that have used up their chances are ended. `error` is the
// engine's and not OK; DATA_LOSS is the loss of its device (engine.h).
std::vector<Batch> AfterFailure(Batch batch, const absl::Status& error);

}  // namespace embedserve
