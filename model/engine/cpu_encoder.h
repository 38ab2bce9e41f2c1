// The transformer encoder on the CPU: packed token ids -> last hidden states (semantics.md 7).
//
// Row-wise work (products, norms) runs in tiles of kTileRows tokens, whatever sequences they belong
// to: a thread takes a tile from the attention's output through the feed-forward block to the next
// layer's QKV while it lies in its cache. Between two such stages stands the attention, by
// (sequence, head). A batch too small for a tile per thread runs as one tile whose products all
// threads share. Neither choice touches a bit of the result.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "dnnl.hpp"
#include "model/engine/buffer.h"
#include "model/engine/engine.h"
#include "model/engine/layer_norm.h"
#include "model/engine/matmul_plan.h"
#include "model/engine/packed_batch.h"
#include "model/engine/simd.h"
#include "model/folder/encoder_config.h"
#include "model/folder/encoder_weights.h"

namespace embedserve {

// Which rows of the last hidden states are wanted. One row a sequence spares the last layer all but
// the keys and values of the others.
enum class WantedRows { kAll, kFirstPooled, kLast };

class CpuEncoder {
 public:
  // Packs the weights; afterwards only the word embeddings of `weights` are read, and must stay.
  static absl::StatusOr<std::unique_ptr<CpuEncoder>> Create(const dnnl::engine& engine,
                                                            const EncoderConfig& config,
                                                            const EncoderWeights& weights,
                                                            ComputeType type, int threads,
                                                            int most_tokens, WantedRows wanted);

  // Returns the last hidden states, (T, H) fp32, or (B, H) where one row a sequence is wanted;
  // valid until the next call. The batch is within `most_tokens` and its ids and positions within
  // their tables; its offsets may start above 0.
  const float* Run(const PackedBatch& batch);

 private:
  struct Plans {
    std::unique_ptr<MatmulPlan> qkv, attention_output, intermediate, output;
  };
  struct Layer {
    PackedWeights qkv, attention_output, intermediate, output;
    LayerNorm attention_norm, output_norm;
  };
  // Activations that one thread needs for one tile, or thread 0 for a batch of most_shared_rows().
  struct Tile {
    Buffer<float> sum;               // (rows, H) a product before its residual and norm
    Buffer<std::byte> intermediate;  // (rows, F) fp32 or bf16
    Buffer<float> attention;         // scratch of Attend
  };

  CpuEncoder(const EncoderConfig& config, const EncoderWeights& weights, ComputeType type,
             int threads, int most_tokens, WantedRows wanted, Plans plans);

  Layer Pack(const LayerWeights& layer) const;
  // Row-wise work between the attentions of layer - 1 and layer.
  void RunRows(const PackedBatch& batch, std::size_t layer, int first, int rows, Team team,
               int thread);
  void Embed(const PackedBatch& batch, int row);
  void FinishLayer(const Layer& layer, int first, int rows, Team team, int thread);
  void RunTiles(const PackedBatch& batch, std::size_t layer, int rows);
  void RunAttention(const PackedBatch& batch, WantedRows wanted);
  // Moves the wanted row of every sequence to the front: row b is sequence b's.
  void GatherWanted(const PackedBatch& batch);
  template <typename Function>
  void ForRows(Team team, int first, int rows, Function function) const;

  std::size_t At(int row) const;            // first element of a row of H
  const void* ProductInput(int row) const;  // the hidden state as the products read it
  Bf16* Rounded(int row) const;             // null in fp32

  EncoderConfig config_;
  TensorView word_embeddings_;
  bool bf16_;
  int threads_;
  WantedRows wanted_;
  Plans plans_;
  std::vector<float> position_rows_;  // (positions, H) position + type row 0
  LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<Tile> tiles_;  // (threads)

  Buffer<float> hidden_;       // (T, H)
  Buffer<Bf16> rounded_;       // (T, H) the same in bf16; empty in fp32
  Buffer<float> qkv_;          // (T, 3H)
  Buffer<std::byte> context_;  // (T, H) attention's output, fp32 or bf16
};

}  // namespace embedserve
