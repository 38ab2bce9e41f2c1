#include "cli/local_model.h"

#include <utility>

#include "cli/exit_code.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {

absl::StatusOr<DeviceChoice> ChooseCompute(const Options& options) {
  ASSIGN_OR_RETURN(DeviceChoice choice, ChooseDevices(options.device));
  if (choice.names.front() == "cpu" && options.dtype == ComputeType::kFp16) {
    return UsageError(
        "--dtype is \"fp16\", which only a GPU computes; on the CPU use --dtype fp32 or bf16");
  }
  return choice;
}

absl::StatusOr<DeviceChoice> ChooseOneDevice(const Options& options) {
  ASSIGN_OR_RETURN(DeviceChoice choice, ChooseCompute(options));
  if (choice.names.size() > 1) {
    return UsageError(
        fmt::format("--device is \"{}\", but {} computes on one device: name one, such as {}",
                    options.device, Name(options.command), choice.names.front()));
  }
  return choice;
}

absl::StatusOr<std::vector<std::unique_ptr<Engine>>> MakeEngines(const Options& options,
                                                                 const DeviceChoice& devices,
                                                                 ComputeType type,
                                                                 const Model& model) {
  auto engines = NewEngines(model, devices.names,
                            {.threads = options.threads,
                             .compute_type = type,
                             .max_batch_tokens = options.max_batch_tokens,
                             .max_batch_sequences = options.max_batch_sequences,
                             .gpu_memory_limit = options.gpu_memory_limit,
                             .hang_timeout = options.hang_timeout});
  if (absl::IsInvalidArgument(engines.status())) {
    return WithExitCode(engines.status(), ExitCode::kUsage);
  }
  return engines;
}

absl::StatusOr<LocalModel> OpenLocalModel(const Options& options) {
  ASSIGN_OR_RETURN(const DeviceChoice device, ChooseOneDevice(options));
  LocalModel local;
  ASSIGN_OR_RETURN(local.model, Model::Load(options.model));
  for (const std::string& warning : local.model->warnings()) {
    fmt::print(stderr, "embedserve: warning: {}\n", warning);
  }
  ASSIGN_OR_RETURN(const ComputeTypeChoice type,
                   ChooseComputeType(local.model->folder(), device.names.front(), options.dtype));
  if (!type.note.empty()) fmt::print(stderr, "embedserve: {}\n", type.note);
  ASSIGN_OR_RETURN(auto engines, MakeEngines(options, device, type.type, *local.model));
  local.engine = std::move(engines.front());
  return local;
}

}  // namespace embedserve
