// The common way of Encode and Similarity: texts -> tokens -> queue -> engine rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "embedserve/v1/embedding.pb.h"
#include "server/call.h"
#include "server/embedding_job.h"
#include "server/tokenize_texts.h"

namespace embedserve {

struct EmbeddedTexts {
  std::vector<uint32_t> row_of;       // text, counted over all groups -> row
  std::vector<v1::TextInfo> info;     // one a row
  std::shared_ptr<EmbeddingJob> job;  // rows() as the engine gave them, and times
  TimePoint tokenized{};

  std::span<float> row(std::size_t i, std::size_t width) const {
    return job->rows().subspan(i * width, width);
  }
};

// Calls `done` on a worker's thread once all rows are there; else fails the call with details.
// `request_id` is for errors. The groups' texts must stay valid until `done` is destroyed: let it
// own the request.
void EmbedTexts(const std::shared_ptr<Call>& call, std::vector<TextGroup> groups,
                OverlongTexts overlong, std::string request_id,
                absl::AnyInvocable<void(EmbeddedTexts)> done);

// Timings of a call that is about to be answered.
void SetTimings(const Call& call, const EmbeddedTexts& texts, v1::Timings& timings);

}  // namespace embedserve
