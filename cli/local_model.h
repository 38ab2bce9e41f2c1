// A model folder with engines on this machine, as the options ask for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"
#include "model/devices.h"
#include "model/engine/engine.h"
#include "model/model.h"

namespace embedserve {

// What --device comes to on this machine. FAILED_PRECONDITION if it asks for what is not there,
// UsageError for a --dtype that the device does not compute.
absl::StatusOr<DeviceChoice> ChooseCompute(const Options& options);
// The same for commands that use one engine: UsageError for several devices.
absl::StatusOr<DeviceChoice> ChooseOneDevice(const Options& options);

// One engine a device.
absl::StatusOr<std::vector<std::unique_ptr<Engine>>> MakeEngines(const Options& options,
                                                                 const DeviceChoice& devices,
                                                                 ComputeType type,
                                                                 const Model& model);

struct LocalModel {
  std::unique_ptr<const Model> model;
  std::unique_ptr<Engine> engine;  // goes before `model`, which it looks into
};
// Prints the model's warnings to stderr.
absl::StatusOr<LocalModel> OpenLocalModel(const Options& options);

}  // namespace embedserve
