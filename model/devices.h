// What a list of devices means on this machine, and engines on all of them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/device.h"
#include "model/engine/engine.h"
#include "model/model.h"

namespace embedserve {

struct DeviceChoice {
  std::vector<std::string> names;  // as Model::NewEngine takes them: "cpu", or "cuda:0" and so on
  std::string note;  // one line for a log: why the CPU computes, or which GPUs are not used; or ""
};

// "auto", "cpu", "cuda", or ordinals with commas between, each once: "cuda:0", "cuda:1,0".
bool IsDeviceList(std::string_view list);

// `auto` is the first GPU if one is usable, else the CPU; `cuda` is the first usable GPU.
// FAILED_PRECONDITION, saying what there is, if a device of `list` cannot be used.
// `list` must be one that IsDeviceList takes; `answer` is what the driver said (AskDriver).
absl::StatusOr<DeviceChoice> ChooseDevices(std::string_view list,
                                           const kernels::DriverAnswer& answer);
absl::StatusOr<DeviceChoice> ChooseDevices(std::string_view list);  // asks the driver

// What a device computes in: what was asked for; if nothing was, fp32 on the CPU, and on a GPU
// fp16, or bf16 where a weight of the folder passes fp16's range, which `note` then says in a line
// for a log. OUT_OF_RANGE, naming the weight, if fp16 was asked for and is too narrow. This is
// where the weights are looked at for it, once for all engines.
struct ComputeTypeChoice {
  ComputeType type = ComputeType::kFp32;
  std::string note;
};
absl::StatusOr<ComputeTypeChoice> ChooseComputeType(const ModelFolder& folder,
                                                    std::string_view device,
                                                    std::optional<ComputeType> asked);

// One engine on each of `devices`, in their order, made side by side. Errors of Model::NewEngine.
absl::StatusOr<std::vector<std::unique_ptr<Engine>>> NewEngines(
    const Model& model, std::span<const std::string> devices, const EngineOptions& options);

// Has a GPU left its work undone for EngineOptions::hang_timeout? Then the process has to be ended
// by std::_Exit: at std::exit CUDA would wait for it.
inline bool DeviceHangs() { return kernels::DeviceHangs(); }

}  // namespace embedserve
