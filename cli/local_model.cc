#include "cli/local_model.h"

#include <utility>

#include "cli/exit_code.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {

absl::StatusOr<ComputeChoice> ChooseCompute(const Options& options) {
  ComputeChoice choice{"cpu", options.dtype.value_or(ComputeType::kFp32), ""};
  if (options.device != "cpu") {
    const std::string why_not = WhyNoGpu();
    if (why_not.empty()) {
      choice.device = "cuda:0";
    } else if (options.device == "auto") {
      choice.note = fmt::format("device auto: the CPU computes: {}", why_not);
    } else {
      return absl::FailedPreconditionError(fmt::format("--device is \"cuda\": {}", why_not));
    }
  }
  if (choice.device == "cpu" && choice.type == ComputeType::kFp16) {
    return UsageError(
        "--dtype is \"fp16\", which only a GPU computes; on the CPU use --dtype fp32 or bf16");
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
