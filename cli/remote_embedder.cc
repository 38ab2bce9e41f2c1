#include "cli/remote_embedder.h"

#include <deque>
#include <future>
#include <utility>

#include "cli/channel.h"
#include "cli/progress.h"
#include "cli/request_chunks.h"
#include "embedserve/v1/embedding.grpc.pb.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Requests under way at once: while one is computed the next is tokenized.
constexpr std::size_t kUnderWay = 2;
// Room for the fields of a request other than texts and prompt.
constexpr std::size_t kFixedBytes = 256;

// The wire's enums are ours, plus the "unspecified" at 0.
v1::OutputType ToWire(OutputType type) {
  return static_cast<v1::OutputType>(static_cast<int>(type) + 1);
}
static_assert(static_cast<int>(OutputType::kUbinary) + 1 == v1::OUTPUT_TYPE_UBINARY);

v1::SimilarityFunction ToWire(SimilarityFunction function) {
  return static_cast<v1::SimilarityFunction>(static_cast<int>(function) + 1);
}
static_assert(static_cast<int>(SimilarityFunction::kManhattan) + 1 ==
              v1::SIMILARITY_FUNCTION_MANHATTAN);

v1::Truncation ToWire(OverlongTexts truncation) {
  switch (truncation) {
    case OverlongTexts::kCutAsModel:
      return v1::TRUNCATION_UNSPECIFIED;
    case OverlongTexts::kRefuse:
      return v1::TRUNCATION_ERROR;
    case OverlongTexts::kCutEnd:
      return v1::TRUNCATION_END;
    case OverlongTexts::kCutStart:
      return v1::TRUNCATION_START;
  }
  return v1::TRUNCATION_UNSPECIFIED;
}

struct Encoded {
  Rows rows;
  std::vector<int32_t> tokens;
};

class RemoteEmbedder : public Embedder {
 public:
  RemoteEmbedder(std::string address, double timeout)
      : address_(std::move(address)),
        timeout_(timeout),
        stub_(v1::EmbeddingService::NewStub(OpenChannel(address_))) {}

  absl::Status Connect() {
    grpc::ClientContext context;
    SetDeadline(context, timeout_);
    const grpc::Status status = stub_->GetModelInfo(&context, {}, &info_);
    if (!status.ok()) return CallError(status, address_);
    limits_.max_texts = info_.limits().max_texts();
    limits_.max_bytes = info_.limits().max_request_bytes();
    return absl::OkStatus();
  }

  absl::Status Encode(std::span<const std::string_view> texts, const EmbedRequest& request,
                      const Sink& sink) override {
    std::vector<std::size_t> sizes;
    for (const std::string_view text : texts) sizes.push_back(text.size());
    const auto chunks = ChunkSizes(sizes, 1, FixedBytes(request), limits_);
    if (chunks.size() == 1) return Deliver(EncodeChunk(texts, request), sink);

    std::deque<std::future<absl::StatusOr<Encoded>>> under_way;
    const auto deliver_first = [&] {
      absl::Status status = Deliver(under_way.front().get(), sink);
      under_way.pop_front();
      return status;
    };
    for (const std::size_t size : chunks) {
      if (under_way.size() == kUnderWay) RETURN_IF_ERROR(deliver_first());
      under_way.push_back(std::async(
          std::launch::async,
          [this, &request, part = texts.first(size)] { return EncodeChunk(part, request); }));
      texts = texts.subspan(size);
    }
    while (!under_way.empty()) RETURN_IF_ERROR(deliver_first());
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<float>> Similarity(std::span<const std::string_view> a,
                                                std::span<const std::string_view> b,
                                                SimilarityFunction function,
                                                const EmbedRequest& request) override {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < a.size(); ++i) sizes.push_back(a[i].size() + b[i].size());
    std::vector<float> scores;
    Progress progress(a.size());
    for (const std::size_t size : ChunkSizes(sizes, 2, 2 * FixedBytes(request), limits_)) {
      ASSIGN_OR_RETURN(const std::vector<float> part,
                       ScoreChunk(a.subspan(scores.size(), size), b.subspan(scores.size(), size),
                                  function, request));
      scores.insert(scores.end(), part.begin(), part.end());
      progress.Update(scores.size());
    }
    return scores;
  }

  absl::StatusOr<int> Dimensions(int requested) const override {
    return requested == 0 ? static_cast<int>(info_.dimensions()) : requested;
  }
  SimilarityFunction similarity_function() const override {
    const int wire = info_.similarity_function();
    return wire > 0 ? static_cast<SimilarityFunction>(wire - 1) : SimilarityFunction::kCosine;
  }

 private:
  static std::size_t FixedBytes(const EmbedRequest& request) {
    return kFixedBytes + request.prompt.text.value_or("").size() +
           request.prompt.name.value_or("").size();
  }

  static absl::Status Deliver(const absl::StatusOr<Encoded>& encoded, const Sink& sink) {
    if (!encoded.ok()) return encoded.status();
    return sink(encoded->rows, encoded->tokens);
  }

  // Called from several threads.
  absl::StatusOr<Encoded> EncodeChunk(std::span<const std::string_view> texts,
                                      const EmbedRequest& request) const {
    v1::EncodeRequest message;
    for (const std::string_view text : texts) message.add_texts(text.data(), text.size());
    if (request.prompt.name.has_value()) message.set_prompt_name(*request.prompt.name);
    if (request.prompt.text.has_value()) message.set_prompt(*request.prompt.text);
    if (request.normalize.has_value()) message.set_normalize(*request.normalize);
    message.set_dimensions(static_cast<uint32_t>(request.dimensions));
    message.set_output_type(ToWire(request.type));
    message.set_truncation(ToWire(request.truncation));

    grpc::ClientContext context;
    SetDeadline(context, timeout_);
    v1::EncodeResponse answer;
    const grpc::Status status = stub_->Encode(&context, message, &answer);
    if (!status.ok()) return CallError(status, address_);
    Encoded out;
    out.rows = {std::move(*answer.mutable_embeddings()), static_cast<int>(answer.rows()),
                static_cast<int>(answer.dimensions()), request.type};
    for (const v1::TextInfo& text : answer.texts()) {
      out.tokens.push_back(static_cast<int32_t>(text.token_count()));
    }
    const std::size_t expected = texts.size() * RowBytes(request.type, out.rows.dimensions);
    if (answer.rows() == texts.size() && out.rows.bytes.size() == expected) return out;
    return absl::InternalError(fmt::format(
        "server {}: {} rows in {} bytes came back for {} texts; client and server do not fit",
        address_, answer.rows(), out.rows.bytes.size(), texts.size()));
  }

  absl::StatusOr<std::vector<float>> ScoreChunk(std::span<const std::string_view> a,
                                                std::span<const std::string_view> b,
                                                SimilarityFunction function,
                                                const EmbedRequest& request) const {
    v1::SimilarityRequest message;
    for (const std::string_view text : a) message.add_texts_a(text.data(), text.size());
    for (const std::string_view text : b) message.add_texts_b(text.data(), text.size());
    message.set_mode(v1::SIMILARITY_MODE_PAIRWISE);
    message.set_function(ToWire(function));
    if (request.prompt.name.has_value()) {
      message.set_prompt_name_a(*request.prompt.name);
      message.set_prompt_name_b(*request.prompt.name);
    }
    if (request.prompt.text.has_value()) {
      message.set_prompt_a(*request.prompt.text);
      message.set_prompt_b(*request.prompt.text);
    }
    message.set_dimensions(static_cast<uint32_t>(request.dimensions));
    message.set_truncation(ToWire(request.truncation));

    grpc::ClientContext context;
    SetDeadline(context, timeout_);
    v1::SimilarityResponse answer;
    const grpc::Status status = stub_->Similarity(&context, message, &answer);
    if (!status.ok()) return CallError(status, address_);
    if (static_cast<std::size_t>(answer.scores_size()) == a.size()) {
      return std::vector<float>(answer.scores().begin(), answer.scores().end());
    }
    return absl::InternalError(
        fmt::format("server {}: {} scores came back for {} pairs; client and server do not fit",
                    address_, answer.scores_size(), a.size()));
  }

  std::string address_;
  double timeout_;
  std::unique_ptr<v1::EmbeddingService::Stub> stub_;
  v1::GetModelInfoResponse info_;
  RequestLimits limits_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Embedder>> OpenRemoteEmbedder(const Options& options) {
  auto embedder = std::make_unique<RemoteEmbedder>(options.server, options.timeout);
  RETURN_IF_ERROR(embedder->Connect());
  return embedder;
}

}  // namespace embedserve
