// A model folder that was never on a disk: random weights in memory, for tests of the engines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "model/engine/packed_batch.h"
#include "model/folder/model_folder.h"

namespace embedserve {

class RandomFolder {
 public:
  // Fills in head_size, vocabulary, positions and token types where they are 0.
  explicit RandomFolder(EncoderConfig config, uint32_t seed = 1);
  RandomFolder(const RandomFolder&) = delete;
  RandomFolder& operator=(const RandomFolder&) = delete;

  ModelFolder& folder() { return folder_; }

  // Sets the pooling and keeps `dimensions` in step. Call before adding head modules.
  void SetPooling(std::vector<PoolingMode> modes);
  void AddDense(int out, Activation activation, bool bias, bool use_residual);
  void AddLayerNorm();
  void AddNormalize();

  // Random ids of one sequence.
  std::vector<int32_t> Ids(int length);

 private:
  // Values from N(mean, deviation^2), owned by this object.
  TensorView Tensor(std::vector<int64_t> shape, float deviation, float mean = 0);
  LinearWeights Linear(int out, int in);
  LayerNormWeights Norm(int size);

  ModelFolder folder_;
  std::mt19937 random_;
  std::deque<std::vector<float>> tensors_;
};

// A 2-layer BERT of odd sizes: nothing in it is a multiple of a register.
EncoderConfig OddEncoder();
// A 2-layer encoder whose sizes are those of real models, divided.
EncoderConfig EvenEncoder();

}  // namespace embedserve
