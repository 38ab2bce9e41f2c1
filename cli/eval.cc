#include <algorithm>
#include <unordered_map>

#include "cli/commands.h"
#include "cli/embedder.h"
#include "cli/lines.h"
#include "cli/option_value.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "model/evaluation.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

absl::StatusOr<std::vector<double>> ReadLabels(const std::vector<std::string_view>& column,
                                               std::string_view name) {
  std::vector<double> labels;
  for (const std::string_view cell : column) {
    const std::optional<double> label = ParseNumber(cell);
    if (!label.has_value()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: line {}: the label is \"{}\"; expected a number (0 or 1, or a score)",
                      name, labels.size() + 1, cell));
    }
    labels.push_back(*label);
  }
  return labels;
}

// Rows of both sides, each distinct text encoded once.
struct EncodedPairs {
  std::vector<float> a, b;
  int width = 0;
};
absl::StatusOr<EncodedPairs> EncodePairs(Embedder& embedder, const EmbedRequest& request,
                                         const std::vector<std::string_view>& a,
                                         const std::vector<std::string_view>& b) {
  std::unordered_map<std::string_view, std::size_t> place;
  std::vector<std::string_view> distinct;
  for (const auto* side : {&a, &b}) {
    for (const std::string_view text : *side) {
      if (place.emplace(text, distinct.size()).second) distinct.push_back(text);
    }
  }
  ASSIGN_OR_RETURN(const EmbeddedTexts texts, EmbedAll(embedder, distinct, request));
  const auto rows_of = [&](const std::vector<std::string_view>& side) {
    const auto width = static_cast<std::ptrdiff_t>(texts.width);
    std::vector<float> rows;
    rows.reserve(side.size() * static_cast<std::size_t>(texts.width));
    for (const std::string_view text : side) {
      const auto row = texts.rows.begin() + static_cast<std::ptrdiff_t>(place.at(text)) * width;
      rows.insert(rows.end(), row, row + width);
    }
    return rows;
  };
  return EncodedPairs{rows_of(a), rows_of(b), texts.width};
}

bool AreBinary(const std::vector<double>& labels) {
  return std::all_of(labels.begin(), labels.end(), [](double x) { return x == 0 || x == 1; });
}

}  // namespace

absl::Status RunEval(const Options& options) {
  RETURN_IF_ERROR(RequireOption(options, &Options::pairs, "--pairs FILE"));
  ASSIGN_OR_RETURN(const std::unique_ptr<Embedder> embedder, OpenEmbedder(options));
  ASSIGN_OR_RETURN(const TableInput input, TableInput::Read(options.pairs, 3));
  const std::string_view name = InputName(options.pairs);
  if (input.rows() == 0) return absl::InvalidArgumentError(fmt::format("{}: no pairs", name));
  ASSIGN_OR_RETURN(const std::vector<double> labels, ReadLabels(input.Column(0), name));
  ASSIGN_OR_RETURN(const EncodedPairs encoded, EncodePairs(*embedder, EmbedRequestOf(options),
                                                           input.Column(1), input.Column(2)));

  std::vector<SimilarityFunction> functions = options.functions;
  if (functions.empty()) functions = {embedder->similarity_function()};
  const Pairs pairs{encoded.a, encoded.b, encoded.width};
  const Evaluation evaluation =
      AreBinary(labels)
          ? EvaluateBinary(functions, pairs, std::vector<uint8_t>(labels.begin(), labels.end()))
          : EvaluateCorrelation(functions, pairs, labels);
  return Print(options.json ? Json(evaluation) + "\n" : MarkdownTable(evaluation));
}

}  // namespace embedserve
