#include "model/engine/half_range.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "fmt/format.h"
#include "model/folder/parallel_for.h"

namespace embedserve {
namespace {

constexpr float kLargestHalf = 65504;
// As large as the finite check's: a thread's work outweighs its start.
constexpr std::size_t kPiece = std::size_t{1} << 20;

// Elements [first, first + count) of a tensor.
struct Piece {
  const TensorView* view;
  float most;  // magnitude that is allowed
  std::size_t first;
  std::size_t count;
  float largest = 0;  // magnitude that was found
};

// Of finite values. Their magnitudes are ordered as the integers of the same bits, whose maximum
// the compiler turns into vectors.
float LargestMagnitude(const TensorView& view, std::size_t first, std::size_t count) {
  std::array<float, 2048> values;
  int32_t largest = 0;
  for (const std::size_t end = first + count; first < end; first += values.size()) {
    const std::span<float> some(values.data(), std::min(values.size(), end - first));
    view.ToFloat(first, some);
    for (const float value : some) {
      largest = std::max(largest, std::bit_cast<int32_t>(value) & 0x7fffffff);
    }
  }
  return std::bit_cast<float>(largest);
}

std::vector<Piece> Pieces(const ModelFolder& folder) {
  std::vector<Piece> pieces;
  const auto add = [&pieces](const TensorView& view, float most = kLargestHalf) {
    for (std::size_t first = 0; first < view.size(); first += kPiece) {
      pieces.push_back({&view, most, first, std::min(kPiece, view.size() - first)});
    }
  };
  const EncoderWeights& weights = folder.weights;
  add(weights.word_embeddings);
  float added = 0;
  if (weights.type_embeddings.has_value()) {
    added = LargestMagnitude(*weights.type_embeddings, 0,
                             static_cast<std::size_t>(folder.encoder.hidden));
  }
  add(weights.position_embeddings, kLargestHalf - added);
  for (const LayerWeights& layer : weights.layers) {
    for (const LinearWeights* linear :
         {&layer.query, &layer.key, &layer.value, &layer.intermediate}) {
      add(linear->weight);
      add(linear->bias);
    }
    add(layer.attention_output.weight);
    add(layer.output.weight);
  }
  return pieces;
}

}  // namespace

absl::Status CheckHalfRange(const ModelFolder& folder) {
  std::vector<Piece> pieces = Pieces(folder);
  ParallelFor(pieces.size(), [&pieces](std::size_t i) {
    Piece& piece = pieces[i];
    piece.largest = LargestMagnitude(*piece.view, piece.first, piece.count);
  });
  const auto found =
      std::ranges::find_if(pieces, [](const Piece& piece) { return piece.largest > piece.most; });
  if (found == pieces.end()) return absl::OkStatus();
  return absl::OutOfRangeError(fmt::format(
      "tensor {} has a value of magnitude {}; fp16 holds at most {}: choose bf16 or fp32",
      found->view->name, found->largest, found->most));
}

}  // namespace embedserve
