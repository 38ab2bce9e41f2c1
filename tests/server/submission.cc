#include "tests/server/submission.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// A status counts its references inside abseil's library, which is packaged without
// instrumentation: ThreadSanitizer cannot see that whoever frees it is the last.
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "race:absl::*Status::Unref";
}

namespace embedserve {

EncoderConfig Config() {
  EncoderConfig config;
  config.positions = 64;
  return config;
}

std::unique_ptr<HashEngine> NewHashEngine(HashEngine::Fault fault) {
  return std::make_unique<HashEngine>(
      kWidth,
      EngineOptions{.max_batch_tokens = kLimits.tokens, .max_batch_sequences = kLimits.sequences},
      std::move(fault));
}

Submission::Submission(int seed, int count, TimePoint deadline) {
  for (int i = 0; i < count; ++i) {
    for (int t = 0; t <= (seed + i) % 9; ++t) tokens.ids.push_back(seed * 100 + i + t);
    tokens.ends.push_back(static_cast<int32_t>(tokens.ids.size()));
    tokens.truncated.push_back(0);
  }
  job = std::make_shared<EmbeddingJob>(
      tokens, std::vector<int32_t>(tokens.size(), 0), kWidth, deadline, cancelled,
      [promise = promise](absl::Status status) { promise->set_value(std::move(status)); });
}

absl::Status Submission::Outcome() {
  absl::Status status = promise->get_future().get();
  for (std::size_t i = 0; status.ok() && i < tokens.size(); ++i) {
    const std::vector<float> expected = HashRow(tokens[i], 0, kWidth);
    const auto row = job->rows().subspan(i * kWidth, kWidth);
    if (!std::equal(row.begin(), row.end(), expected.begin())) {
      return absl::InternalError("wrong row " + std::to_string(i));
    }
  }
  return status;
}

}  // namespace embedserve
