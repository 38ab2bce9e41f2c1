#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/local_model.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"
#include "model/model.h"
#include "server/version.h"

namespace embedserve {

absl::Status RunInfo(const Options& options) {
  RETURN_IF_ERROR(RequireOption(options, &Options::model, "--model DIR"));
  ASSIGN_OR_RETURN(const DeviceChoice device, ChooseOneDevice(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<const Model> model, Model::Load(options.model));
  const ModelFolder& folder = model->folder();
  ASSIGN_OR_RETURN(const int dimensions, model->ResolveDimensions(0));
  ASSIGN_OR_RETURN(const ComputeTypeChoice choice,
                   ChooseComputeType(folder, device.names.front(), options.dtype));
  const ComputeType type = choice.type;
  nlohmann::ordered_json info;
  info["model"] = model->name();
  info["model_fingerprint"] = model->Fingerprint(type);
  info["architecture"] = folder.encoder.model_type;
  info["dimensions"] = dimensions;
  info["max_sequence_length"] = folder.max_sequence_length;
  info["pooling"] = Name(folder.pooling);
  info["similarity_function"] = Name(folder.similarity_function);
  info["prompts"] = folder.prompts;
  info["default_prompt_name"] = folder.default_prompt_name.value_or("");
  info["normalizes"] = folder.normalizes;
  info["vocabulary_size"] = model->tokenizer().vocabulary_size();
  info["device"] = device.names.front();
  info["compute_type"] = Name(type);
  info["server_version"] = Version();
  info["warnings"] = model->warnings();
  return Print(info.dump(2) + "\n");
}

}  // namespace embedserve
