#include "cli/local_embedder.h"

#include <algorithm>
#include <utility>

#include "cli/local_model.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/similarity.h"
#include "model/text_encoder.h"

namespace embedserve {
namespace {

// Texts tokenized and kept as rows at a time: enough for full batches, little enough memory.
constexpr std::size_t kTextsAtOnce = 1024;

class LocalEmbedder : public Embedder {
 public:
  explicit LocalEmbedder(LocalModel local)
      : local_(std::move(local)), encoder_(*local_.model, *local_.engine) {}

  absl::Status Encode(std::span<const std::string_view> texts, const EmbedRequest& request,
                      const Sink& sink) override {
    ASSIGN_OR_RETURN(const std::string_view prompt, local_.model->ResolvePrompt(request.prompt));
    for (std::size_t first = 0; first < texts.size(); first += kTextsAtOnce) {
      const auto part = texts.subspan(first, std::min(kTextsAtOnce, texts.size() - first));
      const absl::Status status = EncodePart(part, prompt, request, sink);
      if (!status.ok()) return first == 0 ? status : FromText(first, status);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<float>> Similarity(std::span<const std::string_view> a,
                                                std::span<const std::string_view> b,
                                                SimilarityFunction function,
                                                const EmbedRequest& request) override {
    ASSIGN_OR_RETURN(EmbeddedTexts left, EmbedAll(*this, a, request));
    ASSIGN_OR_RETURN(EmbeddedTexts right, EmbedAll(*this, b, request));
    return PairwiseSimilarity(function, left.rows, right.rows, left.width);
  }

  absl::StatusOr<int> Dimensions(int requested) const override {
    return local_.model->ResolveDimensions(requested);
  }
  SimilarityFunction similarity_function() const override {
    return local_.model->folder().similarity_function;
  }

 private:
  absl::Status EncodePart(std::span<const std::string_view> texts, std::string_view prompt,
                          const EmbedRequest& request, const Sink& sink) {
    ASSIGN_OR_RETURN(const int dimensions, Dimensions(request.dimensions));
    ASSIGN_OR_RETURN(EncodedTexts encoded, encoder_.Encode(texts, prompt, Side(request)));
    if (request.truncation == OverlongTexts::kRefuse) RETURN_IF_ERROR(RefuseCut(encoded));
    const OutputOptions finish{local_.model->folder().normalizes, request.normalize, dimensions,
                               request.type};
    Rows rows{"", static_cast<int>(texts.size()), dimensions, request.type};
    const auto width = static_cast<std::size_t>(local_.engine->width());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = FinishRow(std::span(encoded.rows).subspan(i * width, width), finish);
      RETURN_IF_ERROR(AppendRow(row, request.type, rows.bytes));
    }
    return sink(rows, encoded.tokens);
  }

  static std::optional<TruncationSide> Side(const EmbedRequest& request) {
    if (request.truncation == OverlongTexts::kCutStart) return TruncationSide::kStart;
    if (request.truncation == OverlongTexts::kCutEnd) return TruncationSide::kEnd;
    return std::nullopt;
  }

  absl::Status RefuseCut(const EncodedTexts& encoded) const {
    const auto cut = std::find(encoded.truncated.begin(), encoded.truncated.end(), 1);
    if (cut == encoded.truncated.end()) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format(
        "texts[{}] has more than the {} tokens that the model takes; shorten it, or let it be cut "
        "with --truncation end or start",
        cut - encoded.truncated.begin(), local_.model->folder().max_sequence_length));
  }

  // An index in a message counts from the part's first text.
  static absl::Status FromText(std::size_t first, const absl::Status& status) {
    return absl::Status(status.code(), fmt::format("counting from text {}: {}", first,
                                                   std::string(status.message())));
  }

  LocalModel local_;
  TextEncoder encoder_;
};

}  // namespace

std::unique_ptr<Embedder> MakeLocalEmbedder(LocalModel local) {
  return std::make_unique<LocalEmbedder>(std::move(local));
}

absl::StatusOr<std::unique_ptr<Embedder>> OpenLocalEmbedder(const Options& options) {
  ASSIGN_OR_RETURN(LocalModel local, OpenLocalModel(options));
  return MakeLocalEmbedder(std::move(local));
}

}  // namespace embedserve
