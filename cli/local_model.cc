#include "cli/local_model.h"

#include <utility>

#include "cli/exit_code.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {

absl::StatusOr<ComputeChoice> ChooseCompute(const Options& options) {
  if (options.device == "cuda") {
    return UsageError(
        "--device is \"cuda\", but this build has no CUDA engine; use --device cpu or auto");
  }
  ComputeChoice choice{"cpu", options.dtype.value_or(ComputeType::kFp32), ""};
  if (choice.type == ComputeType::kFp16) {
    return UsageError(
        "--dtype is \"fp16\", which only a GPU computes; on the CPU use --dtype fp32 or bf16");
  }
  if (options.device == "auto") {
    choice.note = "device auto: this build has no GPU engine, so the CPU computes";
  }
  return choice;
}

EngineOptions MakeEngineOptions(const Options& options, const ComputeChoice& choice,
                                const Model& model) {
  EngineOptions out;
  out.threads = options.threads;
  out.compute_type = choice.type;
  out.max_batch_tokens = options.serve.BatchTokens(model.folder());
  out.max_batch_sequences = options.serve.max_batch_sequences;
  return out;
}

absl::StatusOr<LocalModel> OpenLocalModel(const Options& options) {
  ASSIGN_OR_RETURN(const ComputeChoice choice, ChooseCompute(options));
  LocalModel local;
  ASSIGN_OR_RETURN(local.model, Model::Load(options.model));
  for (const std::string& warning : local.model->warnings()) {
    fmt::print(stderr, "embedserve: warning: {}\n", warning);
  }
  local.engine_options = MakeEngineOptions(options, choice, *local.model);
  ASSIGN_OR_RETURN(local.engine, local.model->NewEngine(choice.device, local.engine_options));
  return local;
}

}  // namespace embedserve
