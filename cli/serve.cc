#include "cli/serve.h"

#include <utility>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/listen_address.h"
#include "cli/local_model.h"
#include "model/engine/cores.h"
#include "model/folder/status_macros.h"
#include "server/server.h"
#include "server/version.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace embedserve {
namespace {

void LogToStderr() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("embedserve"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

void LogModel(const Model& model, const std::vector<std::unique_ptr<Engine>>& engines,
              const Options& options) {
  for (const std::string& warning : model.warnings()) spdlog::warn("{}", warning);
  const ModelFolder& folder = model.folder();
  spdlog::info("model {}: {}, {} layers, {} dimensions, at most {} tokens, fingerprint {}",
               model.name(), folder.encoder.model_type, folder.encoder.layers, folder.dimensions,
               folder.max_sequence_length, model.Fingerprint(engines.front()->compute_type()));
  for (const auto& engine : engines) {
    const std::string threads =
        engine->device() == "cpu"
            ? fmt::format(", {} threads", options.threads > 0 ? options.threads : UsableCores())
            : "";
    spdlog::info("engine: {}, {}{}, {} tokens at a time", engine->device(),
                 Name(engine->compute_type()), threads, engine->limits().tokens);
    if (!engine->memory().empty()) {
      spdlog::info("GPU memory of {}: {}", engine->device(), engine->memory());
    }
  }
}

// "127.0.0.1:0" -> "127.0.0.1:40123".
std::string WithPort(const std::string& listen, int port) {
  if (listen.starts_with("unix")) return listen;
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
}

}  // namespace

absl::Status ServeUntilDrained(const ServerOptions& options, const Model& model,
                               std::vector<std::unique_ptr<Engine>> engines, DrainOnSignal& signals,
                               std::chrono::steady_clock::time_point start) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server,
                   Server::Start(options, model, std::move(engines)));
  signals.Attach(*server);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  spdlog::info("ready: {} on {} after {:.2f} s", model.name(),
               WithPort(options.listen, server->port()), took.count());
  absl::Status ended = server->Wait();
  signals.Detach();
  if (ended.ok()) spdlog::info("drained: every call was answered");
  return absl::IsDataLoss(ended) ? WithExitCode(std::move(ended), ExitCode::kDeviceLost) : ended;
}

absl::Status RunServe(const Options& options) {
  RETURN_IF_ERROR(RequireOption(options, &Options::model, "--model DIR"));
  RETURN_IF_ERROR(CheckListenAddress(options.serve.listen, options.insecure));
  const auto start = std::chrono::steady_clock::now();
  LogToStderr();
  DrainOnSignal signals;  // before the look for a GPU: CUDA starts threads of its own
  ASSIGN_OR_RETURN(const DeviceChoice devices, ChooseCompute(options));

  spdlog::info("embedserve {}: loading {}", Version(), options.model);
  if (!devices.note.empty()) spdlog::info("{}", devices.note);
  ASSIGN_OR_RETURN(const std::unique_ptr<const Model> model, Model::Load(options.model));
  if (absl::Status status = options.serve.Validate(); !status.ok()) {
    return WithExitCode(status, ExitCode::kUsage);
  }
  ASSIGN_OR_RETURN(const ComputeTypeChoice type,
                   ChooseComputeType(model->folder(), devices.names.front(), options.dtype));
  if (!type.note.empty()) spdlog::warn("{}", type.note);
  ASSIGN_OR_RETURN(auto engines, MakeEngines(options, devices, type.type, *model));
  LogModel(*model, engines, options);

  return ServeUntilDrained(options.serve, *model, std::move(engines), signals, start);
}

}  // namespace embedserve
