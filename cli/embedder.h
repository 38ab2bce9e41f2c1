// Texts -> embeddings or scores, wherever they are computed: --model DIR here, --server ADDR there.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"
#include "cli/rows.h"
#include "model/folder/similarity_function.h"
#include "model/model.h"

namespace embedserve {

// What is asked for, in the terms of an EncodeRequest.
struct EmbedRequest {
  PromptChoice prompt;
  std::optional<bool> normalize;
  int dimensions = 0;
  OutputType type = OutputType::kFloat32;
  OverlongTexts truncation = OverlongTexts::kCutAsModel;
};
EmbedRequest EmbedRequestOf(const Options& options);

class Embedder {
 public:
  using Sink = std::function<absl::Status(const Rows& rows, std::span<const int32_t> tokens)>;

  virtual ~Embedder() = default;

  // Gives `sink` the rows of `texts` in their order, some at a time, with each text's token count.
  virtual absl::Status Encode(std::span<const std::string_view> texts, const EmbedRequest& request,
                              const Sink& sink) = 0;
  // Scores a[i] against b[i].
  virtual absl::StatusOr<std::vector<float>> Similarity(std::span<const std::string_view> a,
                                                        std::span<const std::string_view> b,
                                                        SimilarityFunction function,
                                                        const EmbedRequest& request) = 0;

  // Width of a row for EmbedRequest::dimensions.
  virtual absl::StatusOr<int> Dimensions(int requested) const = 0;
  virtual SimilarityFunction similarity_function() const = 0;  // the model's own
};

// By --model or --server; UsageError unless exactly one of them is given.
absl::StatusOr<std::unique_ptr<Embedder>> OpenEmbedder(const Options& options);

// All rows as fp32, (texts, width), with a progress line on a terminal.
struct EmbeddedTexts {
  std::vector<float> rows;
  int width = 0;
};
absl::StatusOr<EmbeddedTexts> EmbedAll(Embedder& embedder, std::span<const std::string_view> texts,
                                       const EmbedRequest& request);

}  // namespace embedserve
