#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/commands.h"
#include "cli/embedder.h"
#include "cli/exit_code.h"
#include "cli/local_embedder.h"
#include "cli/local_model.h"
#include "fmt/format.h"
#include "model/folder/json.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

struct Reference {
  std::vector<std::string> texts;
  std::vector<float> rows;  // (texts, width)
  int width = 0;
};

absl::Status ReadRow(std::size_t index, JsonValue row, Reference& out) {
  if (!row.IsArray() || row.size() == 0) return row.Error("expected an array of numbers");
  if (index == 0) out.width = static_cast<int>(row.size());
  if (row.size() != static_cast<std::size_t>(out.width)) {
    return row.Error(fmt::format("expected {} numbers, as in the first one", out.width));
  }
  return row.ForEachElement([&](std::size_t, JsonValue value) -> absl::Status {
    ASSIGN_OR_RETURN(const double number, value.AsNumber());
    out.rows.push_back(static_cast<float>(number));
    return absl::OkStatus();
  });
}

absl::StatusOr<Reference> ReadReference(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<const JsonFile> file, JsonFile::Read(path));
  ASSIGN_OR_RETURN(const JsonValue root, file->RootObject());
  ASSIGN_OR_RETURN(const JsonValue texts, root.Get("texts"));
  ASSIGN_OR_RETURN(const JsonValue embeddings, root.Get("embeddings"));
  Reference out;
  RETURN_IF_ERROR(texts.ForEachElement([&](std::size_t, JsonValue text) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string_view value, text.AsString());
    out.texts.emplace_back(value);
    return absl::OkStatus();
  }));
  if (out.texts.empty()) return texts.Error("expected at least one text");
  if (embeddings.size() != out.texts.size()) {
    return embeddings.Error(fmt::format("expected {} rows, one a text", out.texts.size()));
  }
  RETURN_IF_ERROR(embeddings.ForEachElement(
      [&](std::size_t i, JsonValue row) { return ReadRow(i, row, out); }));
  return out;
}

// How far the engine's rows are from the reference's. In double: the distances are near fp32's own.
struct Distance {
  double cosine_min = 1;
  double cosine_mean = 0;
  double max_abs = 0;
  double largest = 0;     // largest |value| of the reference
  std::size_t worst = 0;  // index of the text with the smallest cosine
};

Distance Measure(const std::vector<float>& actual, const Reference& reference) {
  Distance out;
  const auto width = static_cast<std::size_t>(reference.width);
  for (std::size_t text = 0; text < reference.texts.size(); ++text) {
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = text * width; i < (text + 1) * width; ++i) {
      const double x = actual[i], y = reference.rows[i];
      xy += x * y;
      xx += x * x;
      yy += y * y;
      out.max_abs = std::max(out.max_abs, std::abs(x - y));
      out.largest = std::max(out.largest, std::abs(y));
    }
    const double cosine = xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : (xx == yy ? 1 : 0);
    out.cosine_mean += cosine / static_cast<double>(reference.texts.size());
    if (cosine < out.cosine_min) out.worst = text;
    out.cosine_min = std::min(out.cosine_min, cosine);
  }
  return out;
}

// The stated bound of a compute type (semantics.md 10).
struct Bound {
  double max_abs;     // infinite where only the direction is promised
  double cosine_min;  // for every text
};
Bound BoundOf(ComputeType type, double largest) {
  switch (type) {
    case ComputeType::kFp32:
      return {1e-5 * std::max(1.0, largest), 0.999999};
    case ComputeType::kFp16:
      return {std::numeric_limits<double>::infinity(), 0.9999};
    case ComputeType::kBf16:
      return {std::numeric_limits<double>::infinity(), 0.999};
  }
  return {0, 1};
}

std::string Report(const Options& options, ComputeType type, const Reference& reference,
                   const Distance& distance, const Bound& bound, bool within) {
  const bool has_max_abs = std::isfinite(bound.max_abs);
  if (options.json) {
    return fmt::format(
        "{{\"texts\": {}, \"dimensions\": {}, \"compute_type\": \"{}\", \"cosine_min\": {}, "
        "\"cosine_mean\": {}, \"max_abs\": {}, \"bound_cosine_min\": {}, \"bound_max_abs\": {}, "
        "\"within\": {}}}\n",
        reference.texts.size(), reference.width, Name(type), distance.cosine_min,
        distance.cosine_mean, distance.max_abs, bound.cosine_min,
        has_max_abs ? fmt::format("{}", bound.max_abs) : "null", within);
  }
  return fmt::format(
      "texts       {} of {} dimensions, computed in {}\n"
      "cosine      min {:.8f} (text {}), mean {:.8f}; bound {}\n"
      "max abs     {:.3g}; bound {}\n"
      "verdict     {}\n",
      reference.texts.size(), reference.width, Name(type), distance.cosine_min, distance.worst,
      distance.cosine_mean, bound.cosine_min, distance.max_abs,
      has_max_abs ? fmt::format("{:.3g}", bound.max_abs) : "none",
      within ? "within the bound" : "BEYOND THE BOUND");
}

}  // namespace

absl::Status RunVerify(const Options& options) {
  RETURN_IF_ERROR(RequireOption(options, &Options::model, "--model DIR"));
  RETURN_IF_ERROR(RequireOption(options, &Options::reference, "--reference FILE"));
  ASSIGN_OR_RETURN(const Reference reference, ReadReference(options.reference));
  ASSIGN_OR_RETURN(LocalModel local, OpenLocalModel(options));
  const ComputeType type = local.engine->compute_type();
  const std::unique_ptr<Embedder> embedder = MakeLocalEmbedder(std::move(local));
  ASSIGN_OR_RETURN(const int dimensions, embedder->Dimensions(0));
  if (dimensions != reference.width) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: embeddings of {} dimensions; the model gives {}: the reference is of another model",
        options.reference, reference.width, dimensions));
  }
  const std::vector<std::string_view> texts(reference.texts.begin(), reference.texts.end());
  ASSIGN_OR_RETURN(const EmbeddedTexts embedded, EmbedAll(*embedder, texts, EmbedRequest{}));
  const Distance distance = Measure(embedded.rows, reference);
  const Bound bound = BoundOf(type, distance.largest);
  // Written so that NaN is beyond.
  const bool within = distance.max_abs <= bound.max_abs && distance.cosine_min >= bound.cosine_min;
  RETURN_IF_ERROR(Print(Report(options, type, reference, distance, bound, within)));
  if (within) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{} differs from {} by more than the bound for {}",
                                         options.model, options.reference, Name(type)));
}

}  // namespace embedserve
