// A model folder with an engine on this machine, as the options ask for it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/options.h"
#include "model/engine/engine.h"
#include "model/model.h"

namespace embedserve {

// What --device and --dtype come to on this machine.
struct ComputeChoice {
  std::string device;  // as Model::NewEngine takes it
  ComputeType type = ComputeType::kFp32;
  std::string note;  // one line for the log when `auto` had to fall back; "" = nothing to say
};
// `auto` takes the first GPU if one is usable, and fp32. FAILED_PRECONDITION if --device asks for a
// GPU and there is none, UsageError for a type that the device does not compute.
absl::StatusOr<ComputeChoice> ChooseCompute(const Options& options);

EngineOptions MakeEngineOptions(const Options& options, const ComputeChoice& choice,
                                const Model& model);

struct LocalModel {
  std::unique_ptr<const Model> model;
  EngineOptions engine_options;
  std::unique_ptr<Engine> engine;  // goes before `model`, which it looks into
};
// Prints the model's warnings to stderr.
absl::StatusOr<LocalModel> OpenLocalModel(const Options& options);

}  // namespace embedserve
