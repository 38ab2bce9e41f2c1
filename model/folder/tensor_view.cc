// Compiled with -O3 (CMakeLists.txt): the loops are written to vectorise, and start-up waits on
// them.
#include <bit>
#include <cstdlib>
#include <cstring>

#include "model/folder/tensor_file.h"

namespace embedserve {
namespace {

// The bytes need not be aligned.
template <typename Word>
Word Load(const std::byte* bytes, std::size_t index) {
  Word word;
  std::memcpy(&word, bytes + index * sizeof(Word), sizeof(Word));
  return word;
}

// IEEE binary16 -> binary32, without a branch. Subnormals go through an integer, so that the result
// does not depend on the thread's denormals-are-zero mode.
float HalfToFloat(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t normal = (magnitude << 13) + (112u << 23);   // exponent bias 15 -> 127
  const uint32_t infinite = (magnitude << 13) | 0x7f800000u;  // inf and NaN
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  uint32_t bits = magnitude >= 0x0400u ? normal : subnormal;
  bits = magnitude >= 0x7c00u ? infinite : bits;
  return std::bit_cast<float>(bits | (static_cast<uint32_t>(half & 0x8000u) << 16));
}

float BFloat16ToFloat(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

// All exponent bits set: NaN or infinity, in each of the three formats.
template <typename Word, Word kExponent>
std::optional<std::size_t> FirstWithFullExponent(const std::byte* bytes, std::size_t count) {
  constexpr std::size_t kBlock = 4096;  // inside a block the loop has no exit and vectorises
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = begin + kBlock < count ? begin + kBlock : count;
    Word found = 0;
    for (std::size_t i = begin; i < end; ++i) {
      found |= static_cast<Word>((Load<Word>(bytes, i) & kExponent) == kExponent);
    }
    if (found == 0) continue;
    for (std::size_t i = begin; i < end; ++i) {
      if ((Load<Word>(bytes, i) & kExponent) == kExponent) return i;
    }
  }
  return std::nullopt;
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

std::string_view Name(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return "F32";
    case TensorType::kF16:
      return "F16";
    case TensorType::kBF16:
      return "BF16";
  }
  std::abort();
}

std::size_t ByteSize(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return 4;
    case TensorType::kF16:
    case TensorType::kBF16:
      return 2;
  }
  std::abort();
}

std::size_t TensorView::size() const { return bytes.size() / ByteSize(type); }

void TensorView::ToFloat(std::size_t first, std::span<float> out) const {
  const std::byte* source =
      bytes.subspan(first * ByteSize(type), out.size() * ByteSize(type)).data();
  switch (type) {
    case TensorType::kF32:
      if (!out.empty()) std::memcpy(out.data(), source, out.size_bytes());
      return;
    case TensorType::kF16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = HalfToFloat(Load<uint16_t>(source, i));
      return;
    case TensorType::kBF16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = BFloat16ToFloat(Load<uint16_t>(source, i));
      }
      return;
  }
}

std::vector<float> TensorView::ToFloat() const {
  std::vector<float> out(size());
  ToFloat(0, out);
  return out;
}

std::optional<std::size_t> TensorView::FirstNonFinite(std::size_t first, std::size_t count) const {
  const std::byte* source = bytes.subspan(first * ByteSize(type), count * ByteSize(type)).data();
  std::optional<std::size_t> found;
  switch (type) {
    case TensorType::kF32:
      found = FirstWithFullExponent<uint32_t, 0x7f800000u>(source, count);
      break;
    case TensorType::kF16:
      found = FirstWithFullExponent<uint16_t, 0x7c00u>(source, count);
      break;
    case TensorType::kBF16:
      found = FirstWithFullExponent<uint16_t, 0x7f80u>(source, count);
      break;
  }
  if (found) *found += first;
  return found;
}

}  // namespace embedserve
