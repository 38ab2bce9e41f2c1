#include "kernels/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

TEST(ArenaTest, MeasuresWhatItCuts) {
  alignas(256) static std::byte memory[4096];
  const auto cut = [](Arena& arena) {
    return std::vector<void*>{arena.TakeArray<int>(3), arena.Take(256), arena.TakeArray<char>(1)};
  };
  Arena measure(nullptr);
  cut(measure);
  EXPECT_EQ(measure.used(), 3u * 256);
  Arena arena(memory);
  EXPECT_EQ(cut(arena), (std::vector<void*>{memory, memory + 256, memory + 512}));
  EXPECT_EQ(arena.used(), measure.used());
}

TEST(ArenaTest, ATensorHasItsShapesBytes) {
  Arena arena(nullptr);
  const Tensor tensor = arena.TakeTensor(DType::kFp16, 3, 100);
  EXPECT_EQ(tensor.bytes(), 600u);
  EXPECT_EQ(arena.used(), 768u);
}

TEST(TensorTest, RowsAreAView) {
  std::byte memory[64];
  const Tensor tensor{memory, DType::kBf16, 4, 8};
  const Tensor rows = tensor.Rows(1, 2);
  EXPECT_EQ(rows.data, memory + 16);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.columns, 8);
  EXPECT_EQ(ConstTensor(tensor).Rows(1, 2).data, rows.data);
}

TEST(DeviceBufferTest, IsZeroedAndMoves) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  DeviceBuffer buffer(stream, 1000);
  const std::byte* const data = buffer.data();
  DeviceBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(moved.size(), 1000u);
  std::vector<std::byte> back(1000, std::byte{1});
  stream.CopyToHost(back.data(), moved.data(), 1000);
  stream.Synchronize();
  EXPECT_EQ(stream.error(), "");
  EXPECT_TRUE(std::ranges::all_of(back, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(DeviceBufferTest, AnAllocationThatDoesNotFitSticksToTheStream) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const DeviceBuffer buffer(stream, std::size_t{1} << 50);
  EXPECT_EQ(buffer.data(), nullptr);
  EXPECT_NE(stream.error().find("1125899906842624 bytes"), std::string::npos) << stream.error();
}

TEST(PinnedBufferTest, CanBeWrittenAndMoves) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  PinnedBuffer buffer(stream, 100);
  ASSERT_EQ(stream.error(), "");
  std::fill_n(buffer.data(), 100, std::byte{7});
  const PinnedBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.data()[99], std::byte{7});
}

}  // namespace
}  // namespace embedserve::kernels
