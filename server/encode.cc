#include <utility>

#include "embedserve/v1/embedding.pb.h"
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

PromptChoice ChoiceOf(const v1::EncodeRequest& request) {
  PromptChoice choice;
  if (request.has_prompt_name()) choice.name = request.prompt_name();
  if (request.has_prompt()) choice.text = request.prompt();
  return choice;
}

void Answer(Call& call, const v1::EncodeRequest& request, OutputOptions output,
            const EmbeddedTexts& texts) {
  const Serving& serving = call.serving();
  const auto width = static_cast<std::size_t>(serving.width);
  std::vector<std::span<float>> rows(texts.info.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = FinishRow(texts.row(i, width), output);

  // Whole rows of fp32, none asked for twice: they are sent from where they lie.
  const bool as_they_lie = output.type == OutputType::kFloat32 &&
                           output.dimensions == serving.width && texts.row_of.size() == rows.size();
  v1::EncodeResponse response;
  std::string embeddings;
  if (!as_they_lie) {
    embeddings.reserve(texts.row_of.size() * RowBytes(output.type, output.dimensions));
  }
  for (std::size_t i = 0; i < texts.row_of.size(); ++i) {
    const std::span<const float> row = rows[texts.row_of[i]];
    const absl::Status status =
        as_they_lie ? CheckFinite(row) : AppendRow(row, output.type, embeddings);
    if (!status.ok()) {
      call.Fail(BadNumerics("texts", i, status, request.request_id()));
      return;
    }
    *response.add_texts() = texts.info[texts.row_of[i]];
  }
  response.set_rows(static_cast<uint32_t>(texts.row_of.size()));
  response.set_dimensions(static_cast<uint32_t>(output.dimensions));
  response.set_output_type(ToWire(output.type));
  response.set_request_id(request.request_id());
  response.set_model(serving.model.name());
  response.set_model_fingerprint(serving.fingerprint);
  SetTimings(call, texts, *response.mutable_timings());
  call.Reply(ToByteBuffer(
      v1::EncodeResponse::kEmbeddingsFieldNumber,
      as_they_lie ? OwnedSlice(texts.job->TakeRows()) : OwnedSlice(std::move(embeddings)),
      response));
}

absl::Status Encode(const std::shared_ptr<Call>& call) {
  const Serving& serving = call->serving();
  const auto request = std::make_shared<v1::EncodeRequest>();
  RETURN_IF_ERROR(ParseRequest(call->request(), *request));
  RETURN_IF_ERROR(CheckModelName(serving, request->model()));
  const auto count = static_cast<std::size_t>(request->texts_size());
  RETURN_IF_ERROR(CheckTextCount(serving, "texts", count));
  RETURN_IF_ERROR(CheckPriority(request->priority()));
  OutputOptions output{.folder_normalizes = serving.model.folder().normalizes};
  if (request->has_normalize()) output.normalize = request->normalize();
  ASSIGN_OR_RETURN(output.dimensions, ResolveDimensions(serving, request->dimensions()));
  ASSIGN_OR_RETURN(output.type, ResolveOutputType(request->output_type()));
  ASSIGN_OR_RETURN(const OverlongTexts overlong, ResolveTruncation(serving, request->truncation()));
  ASSIGN_OR_RETURN(std::string prompt, ResolvePrompt(serving, "prompt_name", ChoiceOf(*request)));
  const std::size_t bytes = count * RowBytes(output.type, output.dimensions);
  RETURN_IF_ERROR(CheckReplyBytes(serving, bytes, "fewer dimensions or a smaller type"));
  RETURN_IF_ERROR(call->TakeBytes(bytes));

  EmbedTexts(call, {MakeGroup("texts", request->texts(), std::move(prompt))}, overlong,
             request->request_id(), [call, request, output](const EmbeddedTexts& texts) {
               Answer(*call, *request, output, texts);
             });
  return absl::OkStatus();
}

}  // namespace

void HandleEncode(const std::shared_ptr<Call>& call) {
  if (absl::Status status = Encode(call); !status.ok()) call->Fail(status);
}

}  // namespace embedserve
