#include "model/folder/encoder_weights_reader.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/folder/architectures.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

// Not used by a sentence encoder: buffers, the pooler behind HF's classifiers, and task heads.
constexpr std::string_view kIgnoredSuffixes[] = {".position_ids", ".token_type_ids"};
constexpr std::string_view kIgnoredPrefixes[] = {
    "pooler.", "lm_head.", "cls.", "classifier.", "vocab_", "qa_outputs.", "pre_classifier."};

bool IsIgnored(std::string_view name) {
  return std::any_of(std::begin(kIgnoredSuffixes), std::end(kIgnoredSuffixes),
                     [name](std::string_view suffix) { return name.ends_with(suffix); }) ||
         std::any_of(std::begin(kIgnoredPrefixes), std::end(kIgnoredPrefixes),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

class Reader {
 public:
  Reader(const EncoderConfig& config, const Architecture& row, TensorSet& tensors)
      : config_(config), names_(row.tensors), tensors_(tensors) {}

  // Which spelling the checkpoint has: with the family's prefix or without.
  absl::Status FindPrefix(std::string_view prefix) {
    const std::string probe = fmt::format("{}.weight", names_.word_embeddings);
    const bool plain = tensors_.Has(probe);
    const bool prefixed = tensors_.Has(fmt::format("{}{}", prefix, probe));
    if (plain && prefixed) {
      return Refuse("{}: holds both {} and {}{}; expected one encoder", tensors_.path().string(),
                    probe, prefix, probe);
    }
    if (!plain && !prefixed) {
      return Refuse(
          "{}: tensor {} is missing (with or without \"{}\"): these are not the weights "
          "of a {} encoder",
          tensors_.path().string(), probe, prefix, config_.model_type);
    }
    if (prefixed) prefix_ = prefix;
    return absl::OkStatus();
  }

  absl::StatusOr<TensorView> Tensor(std::string_view name, const std::vector<int64_t>& shape) {
    return tensors_.Take(fmt::format("{}{}", prefix_, name), shape);
  }

  absl::StatusOr<LinearWeights> Linear(std::string_view layer, std::string_view name, int out,
                                       int in) {
    LinearWeights linear;
    ASSIGN_OR_RETURN(linear.weight, Tensor(fmt::format("{}{}.weight", layer, name), {out, in}));
    ASSIGN_OR_RETURN(linear.bias, Tensor(fmt::format("{}{}.bias", layer, name), {out}));
    return linear;
  }

  // Checkpoints converted from TensorFlow call weight and bias of a LayerNorm gamma and beta.
  absl::StatusOr<LayerNormWeights> LayerNorm(std::string_view layer, std::string_view name) {
    const std::string stem = fmt::format("{}{}", layer, name);
    const bool old = !tensors_.Has(fmt::format("{}{}.weight", prefix_, stem)) &&
                     tensors_.Has(fmt::format("{}{}.gamma", prefix_, stem));
    LayerNormWeights norm;
    ASSIGN_OR_RETURN(norm.weight, Tensor(stem + (old ? ".gamma" : ".weight"), {config_.hidden}));
    ASSIGN_OR_RETURN(norm.bias, Tensor(stem + (old ? ".beta" : ".bias"), {config_.hidden}));
    return norm;
  }

  absl::StatusOr<LayerWeights> Layer(int number) {
    const std::string layer = fmt::format(fmt::runtime(names_.layer_prefix), number);
    const int hidden = config_.hidden;
    const int inner = config_.feed_forward;
    LayerWeights out;
    ASSIGN_OR_RETURN(out.query, Linear(layer, names_.query, hidden, hidden));
    ASSIGN_OR_RETURN(out.key, Linear(layer, names_.key, hidden, hidden));
    ASSIGN_OR_RETURN(out.value, Linear(layer, names_.value, hidden, hidden));
    ASSIGN_OR_RETURN(out.attention_output, Linear(layer, names_.attention_output, hidden, hidden));
    ASSIGN_OR_RETURN(out.attention_norm, LayerNorm(layer, names_.attention_norm));
    ASSIGN_OR_RETURN(out.intermediate, Linear(layer, names_.intermediate, inner, hidden));
    ASSIGN_OR_RETURN(out.output, Linear(layer, names_.output, hidden, inner));
    ASSIGN_OR_RETURN(out.output_norm, LayerNorm(layer, names_.output_norm));
    return out;
  }

  absl::StatusOr<EncoderWeights> Encoder() {
    const auto table = [this](std::string_view name, int rows) {
      return Tensor(fmt::format("{}.weight", name), {rows, config_.hidden});
    };
    EncoderWeights out;
    ASSIGN_OR_RETURN(out.word_embeddings, table(names_.word_embeddings, config_.vocabulary));
    ASSIGN_OR_RETURN(out.position_embeddings, table(names_.position_embeddings, config_.positions));
    if (config_.token_types > 0) {
      ASSIGN_OR_RETURN(out.type_embeddings, table(names_.type_embeddings, config_.token_types));
    }
    ASSIGN_OR_RETURN(out.embedding_norm, LayerNorm("", names_.embedding_norm));
    for (int i = 0; i < config_.layers; ++i) {
      ASSIGN_OR_RETURN(LayerWeights layer, Layer(i));
      out.layers.push_back(std::move(layer));
    }
    return out;
  }

  absl::Status RefuseUnknown() const {
    std::set<std::string_view> used;
    for (const TensorView& view : tensors_.taken()) used.insert(view.name);
    for (const auto& [full_name, file] : tensors_.names()) {
      std::string_view name = full_name;
      if (name.starts_with(prefix_)) name.remove_prefix(prefix_.size());
      if (used.contains(full_name) || IsIgnored(name)) continue;
      return Refuse(
          "{}: {} is not a tensor of a {} encoder with {} layers, nor of a known task "
          "head: config.json and weights do not fit, or the model computes something else",
          tensors_.files()[file].path().string(), full_name, config_.model_type, config_.layers);
    }
    return absl::OkStatus();
  }

 private:
  const EncoderConfig& config_;
  const TensorNames& names_;
  TensorSet& tensors_;
  std::string_view prefix_;
};

}  // namespace

absl::StatusOr<EncoderWeights> ReadEncoderWeights(const EncoderConfig& config, TensorSet& tensors) {
  const Architecture& row = *FindArchitecture(config.model_type);
  Reader reader(config, row, tensors);
  RETURN_IF_ERROR(reader.FindPrefix(row.prefix));
  ASSIGN_OR_RETURN(EncoderWeights weights, reader.Encoder());
  RETURN_IF_ERROR(reader.RefuseUnknown());
  return weights;
}

}  // namespace embedserve
