// For tests of scheduler and worker: jobs whose rows are checked, and engines that take 32 tokens
// at a time.
#pragma once

#include <atomic>
#include <future>
#include <memory>

#include "absl/status/status.h"
#include "model/folder/encoder_config.h"
#include "server/batch_queue.h"
#include "server/embedding_job.h"
#include "tests/support/hash_engine.h"

namespace embedserve {

inline constexpr int kWidth = 4;
inline constexpr BatchLimits kLimits{.tokens = 32, .sequences = 8};

// Of a worker: 64 positions.
EncoderConfig Config();

std::unique_ptr<HashEngine> NewHashEngine(HashEngine::Fault fault = {});

// A job of `count` sequences that depend on `seed`; its outcome and rows are checked by Outcome().
struct Submission {
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::promise<absl::Status>> promise =
      std::make_shared<std::promise<absl::Status>>();
  TokenBatch tokens;
  std::shared_ptr<EmbeddingJob> job;

  // Sequence i has 1 + (seed + i) % 9 tokens.
  explicit Submission(int seed, int count, TimePoint deadline = TimePoint::max());

  absl::Status Outcome();
};

}  // namespace embedserve
