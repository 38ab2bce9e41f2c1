#include <optional>

#include "cli/commands.h"
#include "cli/embedder.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/row_writer.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

absl::Status CheckOutput(const Options& options) {
  const bool is_float = options.output_type == OutputType::kFloat32 ||
                        options.output_type == OutputType::kFloat16 ||
                        options.output_type == OutputType::kBFloat16;
  if (options.output == "-") {
    if (is_float) return absl::OkStatus();
    return UsageError(fmt::format("--output-type {} goes to a file: add --output FILE.npy",
                                  Name(options.output_type)));
  }
  if (options.output.ends_with(".npy")) return absl::OkStatus();
  return UsageError(
      fmt::format("--output is \"{}\"; allowed: a name that ends in .npy, or -", options.output));
}

}  // namespace

absl::Status RunEncode(const Options& options) {
  RETURN_IF_ERROR(CheckOutput(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Embedder> embedder, OpenEmbedder(options));
  ASSIGN_OR_RETURN(const TextInput input, TextInput::Read(options.input, options.input_format));
  const std::vector<std::string_view>& texts = input.texts();

  std::optional<NpyWriter> file;
  if (options.output != "-") {
    ASSIGN_OR_RETURN(const int dimensions, embedder->Dimensions(options.dimensions));
    ASSIGN_OR_RETURN(file, NpyWriter::Open(options.output, static_cast<int64_t>(texts.size()),
                                           dimensions, options.output_type));
  }
  Progress progress(texts.size());
  std::size_t done = 0;
  const auto sink = [&](const Rows& rows, std::span<const int32_t>) {
    done += static_cast<std::size_t>(rows.count);
    progress.Update(done);
    return file.has_value() ? file->Write(rows) : Print(JsonLines(rows));
  };
  RETURN_IF_ERROR(embedder->Encode(texts, EmbedRequestOf(options), sink));
  return file.has_value() ? file->Close() : absl::OkStatus();
}

}  // namespace embedserve
