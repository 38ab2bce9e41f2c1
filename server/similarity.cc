#include "model/similarity.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "embedserve/v1/embedding.pb.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/output.h"
#include "server/embed_texts.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/request_checks.h"
#include "server/request_parser.h"
#include "server/status_details.h"

namespace embedserve {
namespace {

// Values to multiply from which on scores are computed on the task pool, not on the thread that
// feeds the engine, and by a GPU if there is one: a quarter of a millisecond on the host, half of
// it on an H100 (bench/results/h100-similarity.json).
constexpr std::size_t kManyProducts = 1'000'000;

struct Comparison {
  v1::SimilarityRequest request;
  bool pairwise = false;
  SimilarityFunction function = SimilarityFunction::kCosine;
  OutputOptions output;
  std::size_t rows = 0;     // texts_a
  std::size_t columns = 0;  // texts_b, or texts_a where that is empty

  std::size_t scores() const { return pairwise ? rows : rows * columns; }
  std::size_t reply_bytes() const {
    if (request.top_k() == 0) return scores() * sizeof(float);
    return rows * std::min<std::size_t>(request.top_k(), columns) *
           (sizeof(float) + sizeof(uint32_t));
  }
  // A pair also has two norms of its own.
  bool large() const {
    const std::size_t rows_of_products = pairwise ? 3 * rows : scores();
    return rows_of_products * static_cast<std::size_t>(output.dimensions) >= kManyProducts;
  }
};

PromptChoice ChoiceOfA(const v1::SimilarityRequest& request) {
  PromptChoice choice;
  if (request.has_prompt_name_a()) choice.name = request.prompt_name_a();
  if (request.has_prompt_a()) choice.text = request.prompt_a();
  return choice;
}

PromptChoice ChoiceOfB(const v1::SimilarityRequest& request) {
  PromptChoice choice;
  if (request.has_prompt_name_b()) choice.name = request.prompt_name_b();
  if (request.has_prompt_b()) choice.text = request.prompt_b();
  return choice;
}

absl::Status ResolveMode(Comparison& comparison) {
  const v1::SimilarityRequest& request = comparison.request;
  const int a = request.texts_a_size();
  const int b = request.texts_b_size();
  switch (static_cast<int>(request.mode())) {
    case v1::SIMILARITY_MODE_UNSPECIFIED:
      comparison.pairwise = a == b;
      break;
    case v1::SIMILARITY_MODE_PAIRWISE:
      comparison.pairwise = true;
      break;
    case v1::SIMILARITY_MODE_MATRIX:
      comparison.pairwise = false;
      break;
    default:
      return InvalidField(
          "BAD_OPTION", "mode",
          fmt::format("{} is not one of its values; allowed: PAIRWISE (1), MATRIX (2)",
                      static_cast<int>(request.mode())));
  }
  if (comparison.pairwise && a != b) {
    return InvalidField(
        "UNEQUAL_SIDES", "texts_b",
        fmt::format("{} texts, but texts_a has {}: PAIRWISE compares texts_a[i] with "
                    "texts_b[i]; send as many, or ask for MATRIX",
                    b, a));
  }
  if (comparison.pairwise && request.top_k() != 0) {
    return InvalidField("BAD_OPTION", "top_k",
                        "PAIRWISE has one score a row; leave it at 0, or ask for MATRIX");
  }
  comparison.rows = static_cast<std::size_t>(a);
  comparison.columns = static_cast<std::size_t>(b == 0 ? a : b);
  return absl::OkStatus();
}

absl::Status Check(const Serving& serving, Comparison& comparison) {
  const v1::SimilarityRequest& request = comparison.request;
  RETURN_IF_ERROR(CheckModelName(serving, request.model()));
  const int texts =
      request.texts_a_size() == 0 ? 0 : request.texts_a_size() + request.texts_b_size();
  RETURN_IF_ERROR(CheckTextCount(serving, texts == 0 ? "texts_a" : "texts_a and texts_b",
                                 static_cast<std::size_t>(texts)));
  RETURN_IF_ERROR(CheckPriority(request.priority()));
  RETURN_IF_ERROR(ResolveMode(comparison));
  ASSIGN_OR_RETURN(comparison.function, ResolveFunction(serving, request.function()));
  comparison.output.folder_normalizes = serving.model.folder().normalizes;
  ASSIGN_OR_RETURN(comparison.output.dimensions, ResolveDimensions(serving, request.dimensions()));
  return CheckReplyBytes(serving, comparison.reply_bytes(), "the best of each row alone (top_k)");
}

// Rows of the texts [first, first + count) of all groups: (count, dimensions).
std::vector<float> Gather(const EmbeddedTexts& texts, const std::vector<std::span<float>>& rows,
                          std::size_t first, std::size_t count) {
  std::vector<float> side;
  for (std::size_t i = first; i < first + count; ++i) {
    const std::span<const float> row = rows[texts.row_of[i]];
    side.insert(side.end(), row.begin(), row.end());
  }
  return side;
}

std::vector<float> Score(const Serving& serving, const Comparison& comparison,
                         const EmbeddedTexts& texts, v1::SimilarityResponse& response) {
  std::vector<std::span<float>> rows(texts.info.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = FinishRow(texts.row(i, static_cast<std::size_t>(serving.width)), comparison.output);
  }
  const int dimensions = comparison.output.dimensions;
  const std::vector<float> a = Gather(texts, rows, 0, comparison.rows);
  const bool has_b = comparison.request.texts_b_size() != 0;
  const std::vector<float> own_b =
      has_b ? Gather(texts, rows, comparison.rows, comparison.columns) : std::vector<float>();
  const std::vector<float>& b = has_b ? own_b : a;

  Scorer* const device = comparison.large() ? serving.scorer.get() : nullptr;
  response.set_rows(static_cast<uint32_t>(comparison.rows));
  if (comparison.pairwise) {
    response.set_columns(1);
    return PairwiseSimilarity(comparison.function, a, b, dimensions, device);
  }
  if (comparison.request.top_k() == 0) {
    response.set_columns(static_cast<uint32_t>(comparison.columns));
    return SimilarityMatrix(comparison.function, a, b, dimensions, device);
  }
  const std::size_t k = std::min<std::size_t>(comparison.request.top_k(), comparison.columns);
  TopK best = BestMatches(comparison.function, a, b, dimensions, static_cast<int>(k), device);
  response.set_columns(static_cast<uint32_t>(best.k));
  response.mutable_indices()->Add(best.indices.begin(), best.indices.end());
  return std::move(best.scores);
}

// The first text whose row is not finite; scores could hide it.
std::optional<std::size_t> FirstBadText(const EmbeddedTexts& texts, std::size_t width) {
  for (std::size_t i = 0; i < texts.row_of.size(); ++i) {
    for (const float value : texts.row(texts.row_of[i], width)) {
      if (!std::isfinite(value)) return i;
    }
  }
  return std::nullopt;
}

void Answer(Call& call, const Comparison& comparison, const EmbeddedTexts& texts) {
  const Serving& serving = call.serving();
  const v1::SimilarityRequest& request = comparison.request;
  if (const auto bad = FirstBadText(texts, static_cast<std::size_t>(serving.width))) {
    const bool in_a = *bad < comparison.rows;
    call.Fail(BadNumerics(in_a ? "texts_a" : "texts_b", in_a ? *bad : *bad - comparison.rows,
                          absl::InternalError("its embedding is not finite"),
                          request.request_id()));
    return;
  }
  v1::SimilarityResponse response;
  std::vector<float> scores = Score(serving, comparison, texts, response);
  response.set_function(ToWire(comparison.function));
  for (std::size_t i = 0; i < texts.row_of.size(); ++i) {
    v1::TextInfo* info = i < comparison.rows ? response.add_texts_a() : response.add_texts_b();
    *info = texts.info[texts.row_of[i]];
  }
  response.set_request_id(request.request_id());
  response.set_model(serving.model.name());
  response.set_model_fingerprint(serving.fingerprint);
  SetTimings(call, texts, *response.mutable_timings());
  call.Reply(ToByteBuffer(v1::SimilarityResponse::kScoresFieldNumber, OwnedSlice(std::move(scores)),
                          response));
}

absl::Status Compare(const std::shared_ptr<Call>& call) {
  Serving& serving = call->serving();
  const auto comparison = std::make_shared<Comparison>();
  const v1::SimilarityRequest& request = comparison->request;
  RETURN_IF_ERROR(ParseRequest(call->request(), comparison->request));
  RETURN_IF_ERROR(Check(serving, *comparison));
  ASSIGN_OR_RETURN(const OverlongTexts overlong, ResolveTruncation(serving, request.truncation()));
  ASSIGN_OR_RETURN(std::string prompt_a,
                   ResolvePrompt(serving, "prompt_name_a", ChoiceOfA(request)));
  ASSIGN_OR_RETURN(std::string prompt_b,
                   ResolvePrompt(serving, "prompt_name_b", ChoiceOfB(request)));
  RETURN_IF_ERROR(call->TakeBytes(comparison->scores() * sizeof(float)));

  std::vector<TextGroup> groups = {MakeGroup("texts_a", request.texts_a(), std::move(prompt_a)),
                                   MakeGroup("texts_b", request.texts_b(), std::move(prompt_b))};
  EmbedTexts(call, std::move(groups), overlong, request.request_id(),
             [call, comparison](EmbeddedTexts texts) {
               if (!comparison->large()) {
                 Answer(*call, *comparison, texts);
                 return;
               }
               call->serving().tasks.Post(
                   [call, comparison, texts = std::move(texts)](Tokenizer::Scratch&) {
                     Answer(*call, *comparison, texts);
                   });
             });
  return absl::OkStatus();
}

}  // namespace

void HandleSimilarity(const std::shared_ptr<Call>& call) {
  if (absl::Status status = Compare(call); !status.ok()) call->Fail(status);
}

}  // namespace embedserve
