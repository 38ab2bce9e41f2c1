#include "embedserve/v1/embedding.pb.h"
#include "model/folder/status_macros.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/request_checks.h"
#include "server/request_parser.h"
#include "server/version.h"

namespace embedserve {
namespace {

v1::GetModelInfoResponse Describe(const Serving& serving) {
  const ModelFolder& folder = serving.model.folder();
  v1::GetModelInfoResponse info;
  info.set_model(serving.model.name());
  info.set_model_fingerprint(serving.fingerprint);
  info.set_architecture(std::string(folder.encoder.model_type));
  info.set_dimensions(static_cast<uint32_t>(folder.truncate_dim.value_or(folder.dimensions)));
  info.set_max_sequence_length(static_cast<uint32_t>(folder.max_sequence_length));
  info.set_pooling(Name(folder.pooling));
  info.set_similarity_function(ToWire(folder.similarity_function));
  info.mutable_prompts()->insert(folder.prompts.begin(), folder.prompts.end());
  info.set_default_prompt_name(folder.default_prompt_name.value_or(""));
  info.set_normalizes(folder.normalizes);
  info.set_vocabulary_size(static_cast<uint32_t>(serving.model.tokenizer().vocabulary_size()));
  info.set_device(serving.device);
  info.set_compute_type(std::string(Name(serving.compute_type)));
  info.set_server_version(std::string(Version()));
  v1::Limits& limits = *info.mutable_limits();
  limits.set_max_texts(static_cast<uint32_t>(serving.options.max_texts));
  limits.set_max_request_bytes(static_cast<uint32_t>(serving.options.max_request_bytes));
  limits.set_max_batch_tokens(static_cast<uint32_t>(serving.batch_tokens));
  return info;
}

absl::Status GetModelInfo(Call& call) {
  v1::GetModelInfoRequest request;
  RETURN_IF_ERROR(ParseRequest(call.request(), request));
  RETURN_IF_ERROR(CheckModelName(call.serving(), request.model()));
  call.Reply(ToByteBuffer(Describe(call.serving())));
  return absl::OkStatus();
}

}  // namespace

void HandleGetModelInfo(const std::shared_ptr<Call>& call) {
  if (absl::Status status = GetModelInfo(*call); !status.ok()) call->Fail(status);
}

}  // namespace embedserve
