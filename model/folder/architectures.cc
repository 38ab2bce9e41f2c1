#include "model/folder/architectures.h"

namespace embedserve {
namespace {

// Defaults: transformers 5.24.0, configuration_*.py. Of RoBERTa's relatives only the vocabulary's
// differs, and checkpoints always state it; a wrong one does not fit the word embedding.
constexpr ConfigSettings kBertSettings = {
    .hidden = {"hidden_size", 768},
    .layers = {"num_hidden_layers", 12},
    .heads = {"num_attention_heads", 12},
    .feed_forward = {"intermediate_size", 3072},
    .vocabulary = {"vocab_size", 30522},
    .positions = {"max_position_embeddings", 512},
    .token_types = {"type_vocab_size", 2},
    .activation_key = "hidden_act",
    .eps_key = "layer_norm_eps",
    .eps_otherwise = 1e-12,
};

constexpr ConfigSettings kDistilBertSettings = {
    .hidden = {"dim", 768},
    .layers = {"n_layers", 6},
    .heads = {"n_heads", 12},
    .feed_forward = {"hidden_dim", 3072},
    .vocabulary = {"vocab_size", 30522},
    .positions = {"max_position_embeddings", 512},
    .token_types = {"", 0},
    .activation_key = "activation",
    .eps_key = "",
    .eps_otherwise = 1e-12,
};

constexpr TensorNames kBertTensors = {
    .word_embeddings = "embeddings.word_embeddings",
    .position_embeddings = "embeddings.position_embeddings",
    .type_embeddings = "embeddings.token_type_embeddings",
    .embedding_norm = "embeddings.LayerNorm",
    .layer_prefix = "encoder.layer.{}.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .intermediate = "intermediate.dense",
    .output = "output.dense",
    .output_norm = "output.LayerNorm",
};

constexpr TensorNames kDistilBertTensors = {
    .word_embeddings = "embeddings.word_embeddings",
    .position_embeddings = "embeddings.position_embeddings",
    .type_embeddings = "",
    .embedding_norm = "embeddings.LayerNorm",
    .layer_prefix = "transformer.layer.{}.",
    .query = "attention.q_lin",
    .key = "attention.k_lin",
    .value = "attention.v_lin",
    .attention_output = "attention.out_lin",
    .attention_norm = "sa_layer_norm",
    .intermediate = "ffn.lin1",
    .output = "ffn.lin2",
    .output_norm = "output_layer_norm",
};

constexpr Architecture kArchitectures[] = {
    {"bert", "bert.", PositionRule::kIndex, 0, kBertSettings, kBertTensors},
    {"camembert", "roberta.", PositionRule::kAfterPadding, 1, kBertSettings, kBertTensors},
    {"distilbert", "distilbert.", PositionRule::kIndex, 0, kDistilBertSettings, kDistilBertTensors},
    {"roberta", "roberta.", PositionRule::kAfterPadding, 1, kBertSettings, kBertTensors},
    {"xlm-roberta", "roberta.", PositionRule::kAfterPadding, 1, kBertSettings, kBertTensors},
};

}  // namespace

std::span<const Architecture> Architectures() { return kArchitectures; }

const Architecture* FindArchitecture(std::string_view model_type) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.model_type == model_type) return &architecture;
  }
  return nullptr;
}

}  // namespace embedserve
