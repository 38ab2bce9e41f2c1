#include "server/embed_texts.h"

#include <utility>

#include "server/status_details.h"

namespace embedserve {
namespace {

// A request between its tokens and its rows.
struct Embedding {
  std::shared_ptr<Call> call;
  std::string request_id;
  absl::AnyInvocable<void(EmbeddedTexts)> done;
  EmbeddedTexts texts;
};

// Statuses of EmbeddingJob and Scheduler::Submit with the details that callers get.
absl::Status Detailed(const absl::Status& status, const std::string& request_id) {
  const std::string_view message(status.message().data(), status.message().size());
  if (absl::IsCancelled(status)) return Refusal(status.code(), "CANCELLED", message);
  if (absl::IsDeadlineExceeded(status)) {
    return Refusal(status.code(), "DEADLINE_EXCEEDED", message);
  }
  if (absl::IsUnavailable(status)) return Unavailable("DRAINING", message);
  if (absl::IsDataLoss(status)) return Unavailable("DEVICE_LOST", message);
  return Internal("ENGINE_FAILED", message, request_id);
}

void Submit(const std::shared_ptr<Embedding>& embedding, TokenizedTexts tokenized) {
  Call& call = *embedding->call;
  Serving& serving = call.serving();
  if (absl::Status status = call.StillWanted(); !status.ok()) {
    call.Fail(status);
    return;
  }
  EmbeddedTexts& texts = embedding->texts;
  texts.tokenized = Clock::now();
  texts.row_of = std::move(tokenized.row_of);
  texts.info.resize(tokenized.tokens.size());
  for (std::size_t i = 0; i < texts.info.size(); ++i) {
    texts.info[i].set_token_count(static_cast<uint32_t>(tokenized.tokens[i].size()));
    texts.info[i].set_truncated(tokenized.tokens.truncated[i] != 0);
  }
  const auto job = std::make_shared<EmbeddingJob>(
      std::move(tokenized.tokens), std::move(tokenized.pooling_start), serving.width,
      call.deadline(), call.cancelled_flag(), [embedding](const absl::Status& status) {
        if (status.ok()) {
          embedding->done(std::move(embedding->texts));
        } else {
          embedding->call->Fail(Detailed(status, embedding->request_id));
        }
        embedding->texts.job.reset();  // the job holds this closure
      });
  texts.job = job;
  if (absl::Status status = serving.scheduler.Submit(job); !status.ok()) {
    const std::string_view message(status.message().data(), status.message().size());
    call.Fail(absl::IsResourceExhausted(status)
                  ? Overload("QUEUE_FULL", message, serving.scheduler.ExpectedDelay())
                  : Detailed(status, embedding->request_id));
    texts.job.reset();
  }
}

}  // namespace

void EmbedTexts(const std::shared_ptr<Call>& call, std::vector<TextGroup> groups,
                OverlongTexts overlong, std::string request_id,
                absl::AnyInvocable<void(EmbeddedTexts)> done) {
  Serving& serving = call->serving();
  const auto embedding = std::make_shared<Embedding>(
      Embedding{.call = call, .request_id = std::move(request_id), .done = std::move(done)});
  TokenizeTexts(serving.model, serving.tasks, call->scratch(), std::move(groups),
                {.overlong = overlong}, [embedding](absl::StatusOr<TokenizedTexts> tokenized) {
                  if (!tokenized.ok()) {
                    embedding->call->Fail(tokenized.status());
                  } else {
                    Submit(embedding, *std::move(tokenized));
                  }
                });
}

void SetTimings(const Call& call, const EmbeddedTexts& texts, v1::Timings& timings) {
  const auto set = [](google::protobuf::Duration* to, TimePoint from, TimePoint until) {
    const int64_t ns = std::chrono::nanoseconds(until - from).count();
    to->set_seconds(ns / 1'000'000'000);
    to->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  };
  set(timings.mutable_tokenize(), call.received(), texts.tokenized);
  set(timings.mutable_queue(), texts.tokenized, texts.job->started);
  set(timings.mutable_compute(), texts.job->started, texts.job->finished());
  set(timings.mutable_total(), call.received(), Clock::now());
}

}  // namespace embedserve
