#include "cli/commands.h"
#include "cli/embedder.h"
#include "cli/exit_code.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

absl::Status CheckArguments(const Options& options) {
  const bool has_pairs = !options.pairs.empty();
  if (options.texts.size() != (has_pairs ? 0U : 2U)) {
    return UsageError(fmt::format(
        "similarity needs two texts or --pairs FILE; {} text{} and {} file given",
        options.texts.size(), options.texts.size() == 1 ? "" : "s", has_pairs ? "one" : "no"));
  }
  if (options.functions.size() > 1) {
    return UsageError(
        fmt::format("--function has {} values; similarity takes one", options.functions.size()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSimilarity(const Options& options) {
  RETURN_IF_ERROR(CheckArguments(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Embedder> embedder, OpenEmbedder(options));
  std::vector<std::string_view> a, b;
  TableInput input;
  if (options.pairs.empty()) {
    a = {options.texts[0]};
    b = {options.texts[1]};
  } else {
    ASSIGN_OR_RETURN(input, TableInput::Read(options.pairs, 2));
    a = input.Column(0);
    b = input.Column(1);
  }
  const SimilarityFunction function =
      options.functions.empty() ? embedder->similarity_function() : options.functions.front();
  ASSIGN_OR_RETURN(const std::vector<float> scores,
                   embedder->Similarity(a, b, function, EmbedRequestOf(options)));
  std::string out;
  for (const float score : scores) {
    out += fmt::format("{:.6f}\n", score + 0.0f);  // the distance of equal texts is -0
  }
  return Print(out);
}

}  // namespace embedserve
