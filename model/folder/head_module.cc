#include "model/folder/head_module.h"

#include <algorithm>
#include <string>

#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr int kMaxWidth = 1 << 20;  // as config.json's: far above any model, far below overflow

struct ActivationClass {
  std::string_view name;  // last component of the class path: torch.nn.modules.activation.Tanh
  Activation activation;
};
constexpr ActivationClass kActivationClasses[] = {
    {"Identity", Activation::kIdentity}, {"Tanh", Activation::kTanh},
    {"ReLU", Activation::kRelu},         {"GELU", Activation::kGeluErf},
    {"SiLU", Activation::kSilu},         {"Sigmoid", Activation::kSigmoid},
};

absl::StatusOr<Activation> ReadActivation(JsonValue config) {
  const auto value = config.Get("activation_function");  // null is not absent: no class is meant
  if (!value.ok()) return Activation::kTanh;
  ASSIGN_OR_RETURN(const std::string_view path, value->AsString());
  const std::string_view name = path.substr(path.rfind('.') + 1);
  std::string known;
  for (const ActivationClass& row : kActivationClasses) {
    // The reference puts Tanh, with a warning, in the place of what is not torch's.
    if (path.starts_with("torch.") && row.name == name) return row.activation;
    known.append(known.empty() ? "" : ", ").append(row.name);
  }
  return value->Error("supported classes below torch.: " + known);
}

// Modules may rewrite other features than the sentence embedding; only it exists here.
absl::Status CheckFeatureNames(JsonValue config) {
  for (const std::string_view key : {"module_input_name", "module_output_name"}) {
    ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
    if (!value) continue;
    ASSIGN_OR_RETURN(const std::string_view name, value->AsString());
    if (name != "sentence_embedding") {
      return value->Error("only \"sentence_embedding\" is supported");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ReadWidth(JsonValue config, std::string_view key, int width) {
  ASSIGN_OR_RETURN(const JsonValue value, config.Get(key));
  if (!value.AsInt(width, width).ok()) {
    return value.Error(fmt::format("but the module before it gives {} values", width));
  }
  return width;
}

absl::Status RefuseOtherTensors(const TensorSet& tensors) {
  for (const auto& [name, file] : tensors.names()) {
    const auto& taken = tensors.taken();
    if (std::any_of(taken.begin(), taken.end(),
                    [&name = name](const TensorView& view) { return view.name == name; })) {
      continue;
    }
    return Refuse("{}: tensor {} is not one of this module's, by its config.json",
                  tensors.files()[file].path().string(), name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DenseModule> ReadDense(JsonValue config, int width, TensorSet& tensors) {
  RETURN_IF_ERROR(
      config.RefuseOtherKeys({"in_features", "out_features", "bias", "activation_function",
                              "module_input_name", "module_output_name", "use_residual"}));
  RETURN_IF_ERROR(CheckFeatureNames(config));
  DenseModule dense;
  ASSIGN_OR_RETURN(dense.in_features, ReadWidth(config, "in_features", width));
  ASSIGN_OR_RETURN(const int64_t out, config.Int("out_features", 1, kMaxWidth));
  dense.out_features = static_cast<int>(out);
  ASSIGN_OR_RETURN(dense.activation, ReadActivation(config));
  ASSIGN_OR_RETURN(const bool has_bias, config.BoolOr("bias", true));
  ASSIGN_OR_RETURN(dense.use_residual, config.BoolOr("use_residual", false));
  ASSIGN_OR_RETURN(dense.weight, tensors.Take("linear.weight", {out, width}));
  if (has_bias) {
    ASSIGN_OR_RETURN(dense.bias, tensors.Take("linear.bias", {out}));
  }
  if (dense.use_residual && out != width) {
    ASSIGN_OR_RETURN(dense.residual, tensors.Take("residual.weight", {out, width}));
  }
  RETURN_IF_ERROR(RefuseOtherTensors(tensors));
  return dense;
}

absl::StatusOr<LayerNormModule> ReadLayerNorm(JsonValue config, int width, TensorSet& tensors) {
  RETURN_IF_ERROR(config.RefuseOtherKeys({"dimension"}));
  LayerNormModule norm;
  ASSIGN_OR_RETURN(norm.dimension, ReadWidth(config, "dimension", width));
  ASSIGN_OR_RETURN(norm.weight, tensors.Take("norm.weight", {width}));
  ASSIGN_OR_RETURN(norm.bias, tensors.Take("norm.bias", {width}));
  RETURN_IF_ERROR(RefuseOtherTensors(tensors));
  return norm;
}

absl::Status CheckNormalize(JsonValue config) {
  RETURN_IF_ERROR(config.RefuseOtherKeys({"module_input_name", "module_output_name"}));
  return CheckFeatureNames(config);
}

absl::Status CheckDropout(JsonValue config) { return config.RefuseOtherKeys({"dropout"}); }

}  // namespace embedserve
