#include "model/devices.h"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"
#include "model/engine/half_range.h"
#include "model/folder/parallel_for.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr std::string_view kCudaPrefix = "cuda:";

// The ordinals of "cuda:0,1"; none if it is not such a list.
std::vector<int> Ordinals(std::string_view list) {
  std::vector<int> ordinals;
  if (!list.starts_with(kCudaPrefix)) return {};
  const char* at = list.data() + kCudaPrefix.size();
  const char* const end = list.data() + list.size();
  while (true) {
    int ordinal = 0;
    const auto [next, error] = std::from_chars(at, end, ordinal);
    if (error != std::errc() || ordinal < 0) return {};
    if (std::ranges::find(ordinals, ordinal) != ordinals.end()) return {};
    ordinals.push_back(ordinal);
    if (next == end) return ordinals;
    if (*next != ',') return {};
    at = next + 1;
  }
}

std::string CudaName(int ordinal) { return fmt::format("{}{}", kCudaPrefix, ordinal); }

absl::Status CannotUse(std::string_view list, int ordinal,
                       const std::vector<kernels::Device>& devices) {
  const auto found = std::ranges::find(devices, ordinal, &kernels::Device::ordinal);
  std::string usable;
  for (const kernels::Device& device : devices) {
    if (device.supported()) usable += (usable.empty() ? "" : "; ") + Describe(device);
  }
  return absl::FailedPreconditionError(fmt::format(
      "--device is \"{}\", but {}; those that can be used: {}", list,
      found == devices.end() ? fmt::format("there is no {}", CudaName(ordinal))
                             : fmt::format("{} is too old (compute capability 8.0 or later is "
                                           "needed)",
                                           Describe(*found)),
      usable));
}

DeviceChoice FirstGpu(const std::vector<kernels::Device>& devices) {
  DeviceChoice choice;
  std::string all;
  for (const kernels::Device& device : devices) {
    if (!device.supported()) continue;
    if (choice.names.empty()) choice.names.push_back(CudaName(device.ordinal));
    all += all.empty() ? CudaName(device.ordinal) : fmt::format(",{}", device.ordinal);
  }
  if (all != choice.names.front()) {
    choice.note = fmt::format("{} computes alone; --device {} would serve from all GPUs",
                              choice.names.front(), all);
  }
  return choice;
}

}  // namespace

bool IsDeviceList(std::string_view list) {
  return list == "auto" || list == "cpu" || list == "cuda" || !Ordinals(list).empty();
}

absl::StatusOr<DeviceChoice> ChooseDevices(std::string_view list,
                                           const kernels::DriverAnswer& answer) {
  const DeviceChoice cpu{.names = {"cpu"}, .note = ""};
  if (list == "cpu") return cpu;
  const std::string why_not = kernels::WhyNoDevice(answer);
  if (!why_not.empty()) {
    if (list == "auto") {
      return DeviceChoice{cpu.names, fmt::format("device auto: the CPU computes: {}", why_not)};
    }
    return absl::FailedPreconditionError(fmt::format("--device is \"{}\": {}", list, why_not));
  }
  if (list == "auto" || list == "cuda") return FirstGpu(answer.devices);
  DeviceChoice choice;
  for (const int ordinal : Ordinals(list)) {
    const auto found = std::ranges::find(answer.devices, ordinal, &kernels::Device::ordinal);
    if (found == answer.devices.end() || !found->supported()) {
      return CannotUse(list, ordinal, answer.devices);
    }
    choice.names.push_back(CudaName(ordinal));
  }
  return choice;
}

absl::StatusOr<DeviceChoice> ChooseDevices(std::string_view list) {
  return ChooseDevices(list, list == "cpu" ? kernels::DriverAnswer{} : kernels::AskDriver());
}

absl::StatusOr<ComputeTypeChoice> ChooseComputeType(const ModelFolder& folder,
                                                    std::string_view device,
                                                    std::optional<ComputeType> asked) {
  const bool on_gpu = device.starts_with(kCudaPrefix);
  const ComputeType wanted = asked.value_or(on_gpu ? ComputeType::kFp16 : ComputeType::kFp32);
  if (wanted != ComputeType::kFp16) return ComputeTypeChoice{wanted, ""};
  const absl::Status fits = CheckHalfRange(folder);
  if (fits.ok()) return ComputeTypeChoice{wanted, ""};
  if (asked.has_value()) return fits;
  return ComputeTypeChoice{
      ComputeType::kBf16,
      fmt::format("dtype auto: bf16, for fp16 does not suffice: {}", std::string(fits.message()))};
}

absl::StatusOr<std::vector<std::unique_ptr<Engine>>> NewEngines(
    const Model& model, std::span<const std::string> devices, const EngineOptions& options) {
  std::vector<absl::StatusOr<std::unique_ptr<Engine>>> made(devices.size());
  ParallelFor(devices.size(),
              [&](std::size_t i) { made[i] = model.NewEngine(devices[i], options); });
  std::vector<std::unique_ptr<Engine>> engines;
  for (auto& engine : made) {
    ASSIGN_OR_RETURN(engines.emplace_back(), std::move(engine));
  }
  return engines;
}

}  // namespace embedserve
