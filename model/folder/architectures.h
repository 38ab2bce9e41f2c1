// THE table of encoder families: what config.json calls their sizes, what checkpoints call their
// tensors. A new family that computes nothing new is one row here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/folder/encoder_config.h"

namespace embedserve {

// Keys of config.json and the reference's default for each (semantics.md 7). An empty key: the
// family has no such setting and takes the default.
struct IntSetting {
  std::string_view key;
  int otherwise;
};
struct ConfigSettings {
  IntSetting hidden, layers, heads, feed_forward, vocabulary, positions, token_types;
  std::string_view activation_key;  // absent: gelu
  std::string_view eps_key;
  double eps_otherwise;
};

// Tensor names without ".weight" and ".bias"; those of a layer come after layer_prefix, in which {}
// stands for the layer's number.
struct TensorNames {
  std::string_view word_embeddings, position_embeddings, type_embeddings, embedding_norm;
  std::string_view layer_prefix;
  std::string_view query, key, value, attention_output, attention_norm;
  std::string_view intermediate, output, output_norm;
};

struct Architecture {
  std::string_view model_type;
  std::string_view prefix;  // before every name in checkpoints saved with a task head
  PositionRule position_rule;
  int32_t pad_id;  // when config.json gives none
  const ConfigSettings& settings;
  const TensorNames& tensors;
};

std::span<const Architecture> Architectures();
const Architecture* FindArchitecture(std::string_view model_type);  // null if not supported

}  // namespace embedserve
