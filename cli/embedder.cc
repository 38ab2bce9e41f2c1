#include "cli/embedder.h"

#include "cli/exit_code.h"
#include "cli/local_embedder.h"
#include "cli/progress.h"
#include "cli/remote_embedder.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {

EmbedRequest EmbedRequestOf(const Options& options) {
  return {{options.prompt_name, options.prompt},
          options.normalize,
          options.dimensions,
          options.output_type,
          options.truncation};
}

absl::StatusOr<std::unique_ptr<Embedder>> OpenEmbedder(const Options& options) {
  if (options.model.empty() == options.server.empty()) {
    return UsageError(fmt::format("{} needs one of --model DIR and --server ADDR; {}",
                                  Name(options.command),
                                  options.model.empty() ? "none is given" : "both are given"));
  }
  if (options.prompt.has_value() && options.prompt_name.has_value()) {
    return UsageError("--prompt and --prompt-name are both given; use one of them");
  }
  return options.server.empty() ? OpenLocalEmbedder(options) : OpenRemoteEmbedder(options);
}

absl::StatusOr<EmbeddedTexts> EmbedAll(Embedder& embedder, std::span<const std::string_view> texts,
                                       const EmbedRequest& request) {
  EmbeddedTexts out;
  ASSIGN_OR_RETURN(out.width, embedder.Dimensions(request.dimensions));
  out.rows.reserve(texts.size() * static_cast<std::size_t>(out.width));
  Progress progress(texts.size());
  std::size_t done = 0;
  RETURN_IF_ERROR(embedder.Encode(texts, request, [&](const Rows& rows, std::span<const int32_t>) {
    const std::vector<float> values = ToFloat(rows);
    out.rows.insert(out.rows.end(), values.begin(), values.end());
    done += static_cast<std::size_t>(rows.count);
    progress.Update(done);
    return absl::OkStatus();
  }));
  return out;
}

}  // namespace embedserve
