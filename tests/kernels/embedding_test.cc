#include "kernels/embedding.h"

#include <gtest/gtest.h>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/layer_norm_reference.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

constexpr float kEps = 1e-5f;
constexpr int kVocabulary = 97;
constexpr int kPositions = 40;

void Check(Stream& stream, DType type, int rows, int columns) {
  SCOPED_TRACE(Name(type) + " " + std::to_string(rows) + " x " + std::to_string(columns));
  Random random;
  const auto width = static_cast<std::size_t>(columns);
  const DeviceMatrix words(stream, type, kVocabulary, columns, random.Values(kVocabulary * width));
  const DeviceMatrix positions(stream, type, kPositions, columns,
                               random.Values(kPositions * width));
  const DeviceMatrix gamma(stream, DType::kFp32, 1, columns, random.Values(width));
  const DeviceMatrix beta(stream, DType::kFp32, 1, columns, random.Values(width));
  std::vector<int32_t> ids, rows_of;
  for (int t = 0; t < rows; ++t) {
    // The tables' first and last rows are always among them.
    ids.push_back(t == 0 ? kVocabulary - 1 : random.Int(0, kVocabulary - 1));
    rows_of.push_back(t == 0 ? kPositions - 1 : t == 1 ? 0 : random.Int(0, kPositions - 1));
  }
  const DeviceInts device_ids(stream, ids), device_rows(stream, rows_of);
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, rows, columns);
  Embed(stream, {words.tensor(), positions.tensor(), {gamma.as<float>(), beta.as<float>(), kEps}},
        device_ids.data(), device_rows.data(), out.tensor());

  const std::vector<double> w = words.Values(), p = positions.Values();
  std::vector<double> sum;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    for (std::size_t c = 0; c < width; ++c) {
      sum.push_back(w[static_cast<std::size_t>(ids[t]) * width + c] +
                    p[static_cast<std::size_t>(rows_of[t]) * width + c]);
    }
  }
  const NormReference reference =
      LayerNormReference(sum, columns, gamma.Values(), beta.Values(), kEps, type);
  EXPECT_TRUE(AllNear(out.Values(), reference.values, reference.bound, columns));
}

TEST(EmbeddingTest, MatchesTheReference) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const int rows : {1, 3, 4, 5, 129}) Check(stream, type, rows, 768);
    for (const int columns : {8, 32, 248, 264, 384, 1024, 2048, 30, 36, 2056}) {
      Check(stream, type, 6, columns);
    }
  }
}

// More tokens than 32 rounds of all warps of a device take: a lane knows one token of its warp.
TEST(EmbeddingTest, ATokenHasTheSameBitsAtAnyPlace) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const auto many = static_cast<std::size_t>(stream.multiprocessors() * 20 * 33 + 7);
  for (const DType type : kAllDTypes) {
    for (const int columns : {8, 264}) {
      SCOPED_TRACE(Name(type) + " " + std::to_string(columns));
      Random random;
      const auto width = static_cast<std::size_t>(columns);
      const DeviceMatrix words(stream, type, kVocabulary, columns,
                               random.Values(kVocabulary * width));
      const DeviceMatrix positions(stream, type, kPositions, columns,
                                   random.Values(kPositions * width));
      const DeviceMatrix vectors(stream, DType::kFp32, 2, columns, random.Values(2 * width));
      std::vector<int32_t> few_ids, few_rows;
      for (int t = 0; t < 61; ++t) {
        few_ids.push_back(random.Int(0, kVocabulary - 1));
        few_rows.push_back(random.Int(0, kPositions - 1));
      }
      const auto embed = [&](const std::vector<int32_t>& ids, const std::vector<int32_t>& rows) {
        const DeviceInts device_ids(stream, ids), device_rows(stream, rows);
        const DeviceMatrix out =
            DeviceMatrix::Poisoned(stream, type, static_cast<int>(ids.size()), columns);
        const auto* const gamma = vectors.as<float>();
        Embed(stream, {words.tensor(), positions.tensor(), {gamma, gamma + width, kEps}},
              device_ids.data(), device_rows.data(), out.tensor());
        return out.Bytes();
      };
      EXPECT_TRUE(embed(Cycled(few_ids, many), Cycled(few_rows, many)) ==
                  Cycled(embed(few_ids, few_rows), many * width * ByteSize(type)));
    }
  }
}

}  // namespace
}  // namespace embedserve::kernels
