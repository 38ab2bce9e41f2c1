#include "model/folder/encoder_config_reader.h"

#include <iterator>
#include <optional>
#include <string_view>

#include "fmt/format.h"
#include "model/folder/architectures.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Far above any encoder, far below overflow: a lie in a size is refused before it is multiplied.
constexpr int kMaxWidth = 1 << 20;
constexpr int kMaxLayers = 1 << 12;
constexpr int kMaxRows = 1 << 28;

struct ActivationName {
  std::string_view name;  // transformers' ACT2FN
  Activation activation;
};
constexpr ActivationName kActivations[] = {
    {"gelu", Activation::kGeluErf},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"quick_gelu", Activation::kQuickGelu},
    {"relu", Activation::kRelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
};

std::string Known(std::string_view what, auto first, auto last, auto name) {
  std::string text = fmt::format("not supported yet; supported {}: ", what);
  for (auto it = first; it != last; ++it) {
    if (it != first) text += ", ";
    text += name(*it);
  }
  return text;
}

absl::StatusOr<const Architecture*> ReadArchitecture(JsonValue config) {
  ASSIGN_OR_RETURN(const JsonValue value, config.Get("model_type"));
  ASSIGN_OR_RETURN(const std::string_view model_type, value.AsString());
  if (const Architecture* found = FindArchitecture(model_type)) return found;
  const auto all = Architectures();
  return value.Error(Known("model types", all.begin(), all.end(),
                           [](const Architecture& row) { return row.model_type; }));
}

absl::StatusOr<Activation> ReadActivation(JsonValue config, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
  if (!value) return Activation::kGeluErf;
  ASSIGN_OR_RETURN(const std::string_view name, value->AsString());
  for (const ActivationName& row : kActivations) {
    if (row.name == name) return row.activation;
  }
  return value->Error(Known("activations", std::begin(kActivations), std::end(kActivations),
                            [](const ActivationName& row) { return row.name; }));
}

// Settings that change what the encoder computes, and that no engine here follows.
absl::Status RefuseOtherComputations(JsonValue config) {
  for (const std::string_view key : {"is_decoder", "add_cross_attention"}) {
    ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(key));
    if (!value) continue;
    ASSIGN_OR_RETURN(const bool on, value->AsBool());
    if (on) return value->Error("decoders are not supported, only encoders");
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> pruned, config.Find("pruned_heads"));
  if (pruned && (!pruned->IsObject() || pruned->size() != 0)) {
    return pruned->Error("pruned attention heads are not supported");
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> positions,
                   config.Find("position_embedding_type"));
  if (positions) {
    ASSIGN_OR_RETURN(const std::string_view type, positions->AsString());
    if (type != "absolute") return positions->Error("only \"absolute\" is supported");
  }
  ASSIGN_OR_RETURN(const std::optional<JsonValue> quantization, config.Find("quantization_config"));
  if (quantization) {
    return quantization->Error("quantised weights are not supported; use the original model");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ReadSize(JsonValue config, const IntSetting& setting, int max) {
  if (setting.key.empty()) return setting.otherwise;
  ASSIGN_OR_RETURN(const int64_t value, config.IntOr(setting.key, setting.otherwise, 1, max));
  return static_cast<int>(value);
}

absl::Status ReadSizes(JsonValue config, const ConfigSettings& settings, EncoderConfig& encoder) {
  ASSIGN_OR_RETURN(encoder.hidden, ReadSize(config, settings.hidden, kMaxWidth));
  ASSIGN_OR_RETURN(encoder.layers, ReadSize(config, settings.layers, kMaxLayers));
  ASSIGN_OR_RETURN(encoder.heads, ReadSize(config, settings.heads, kMaxWidth));
  ASSIGN_OR_RETURN(encoder.feed_forward, ReadSize(config, settings.feed_forward, kMaxWidth));
  ASSIGN_OR_RETURN(encoder.vocabulary, ReadSize(config, settings.vocabulary, kMaxRows));
  ASSIGN_OR_RETURN(encoder.positions, ReadSize(config, settings.positions, kMaxRows));
  ASSIGN_OR_RETURN(encoder.token_types, ReadSize(config, settings.token_types, kMaxRows));
  if (encoder.hidden % encoder.heads != 0) {
    return Refuse("{}: {} is {}, which {} = {} does not divide", config.file(), settings.hidden.key,
                  encoder.hidden, settings.heads.key, encoder.heads);
  }
  encoder.head_size = encoder.hidden / encoder.heads;
  return absl::OkStatus();
}

absl::Status ReadEps(JsonValue config, const ConfigSettings& settings, EncoderConfig& encoder) {
  encoder.layer_norm_eps = static_cast<float>(settings.eps_otherwise);
  if (settings.eps_key.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find(settings.eps_key));
  if (!value) return absl::OkStatus();
  ASSIGN_OR_RETURN(const double eps, value->AsNumber());
  if (!(eps >= 0 && eps < 1)) return value->Error("expected a number from 0 to 1");
  encoder.layer_norm_eps = static_cast<float>(eps);
  return absl::OkStatus();
}

absl::Status ReadPadding(JsonValue config, const Architecture& row, EncoderConfig& encoder) {
  encoder.position_rule = row.position_rule;
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, config.Find("pad_token_id"));
  encoder.pad_id = row.pad_id;
  if (value) {
    ASSIGN_OR_RETURN(const int64_t pad_id, value->AsInt(0, encoder.vocabulary - 1));
    encoder.pad_id = static_cast<int32_t>(pad_id);
  }
  if (encoder.MaxSequenceLength() < 1) {
    return Refuse("{}: {} positions leave none for text after pad_token_id {}", config.file(),
                  encoder.positions, encoder.pad_id);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EncoderConfig> ReadEncoderConfig(JsonValue config,
                                                std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const Architecture* row, ReadArchitecture(config));
  RETURN_IF_ERROR(RefuseOtherComputations(config));
  EncoderConfig encoder;
  encoder.model_type = row->model_type;
  RETURN_IF_ERROR(ReadSizes(config, row->settings, encoder));
  RETURN_IF_ERROR(ReadEps(config, row->settings, encoder));
  RETURN_IF_ERROR(ReadPadding(config, *row, encoder));
  ASSIGN_OR_RETURN(encoder.activation, ReadActivation(config, row->settings.activation_key));
  ASSIGN_OR_RETURN(const std::optional<JsonValue> auto_map, config.Find("auto_map"));
  if (auto_map) {
    warnings.push_back(
        fmt::format("{} names custom code, which is not run; the model is taken for a plain {}",
                    auto_map->Place(), encoder.model_type));
  }
  return encoder;
}

}  // namespace embedserve
