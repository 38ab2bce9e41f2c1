// The shape of a transformer encoder, as config.json describes it, in one vocabulary for all
// families. Shape letters used everywhere: T tokens in a batch, B sequences, H hidden, N heads,
// D head size, F feed-forward, L layers, V vocabulary rows.
#pragma once

#include <cstdint>
#include <string_view>

namespace embedserve {

// Families that compute the same thing share a row of the architectures table; see architectures.h.
enum class Activation { kGeluErf, kGeluTanh, kQuickGelu, kRelu, kSilu, kTanh, kSigmoid, kIdentity };

inline constexpr Activation kAllActivations[] = {
    Activation::kGeluErf, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kRelu,
    Activation::kSilu,    Activation::kTanh,     Activation::kSigmoid,   Activation::kIdentity};

std::string_view Name(Activation activation);

// Which row of the position table a token takes.
enum class PositionRule {
  kIndex,         // BERT, DistilBERT: 0, 1, 2, ...
  kAfterPadding,  // RoBERTa, XLM-R, MPNet: ids other than pad count from pad_id + 1, a pad id takes
                  // pad_id (semantics.md 7)
};

struct EncoderConfig {
  std::string_view model_type;  // "bert", "roberta", ...: static storage, from the table
  int layers = 0;               // L
  int hidden = 0;               // H
  int heads = 0;                // N
  int head_size = 0;            // D = H / N
  int feed_forward = 0;         // F
  int vocabulary = 0;           // V: rows of the word embedding
  int positions = 0;            // rows of the position embedding
  int token_types = 0;          // rows of the type embedding; 0 = the family has none
  float layer_norm_eps = 0;
  Activation activation = Activation::kGeluErf;
  PositionRule position_rule = PositionRule::kIndex;
  int32_t pad_id = 0;

  // Longest sequence (special tokens included) whose positions all lie in the table:
  // positions - (pad_id + 1) under kAfterPadding, positions under kIndex.
  int MaxSequenceLength() const {
    return position_rule == PositionRule::kAfterPadding ? positions - (pad_id + 1) : positions;
  }
};

}  // namespace embedserve
