#include "model/tokenizer/class_masks.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace embedserve {
namespace {

void ClassifyPlain(const char* text, std::size_t blocks, std::span<const AsciiSet> sets,
                   uint64_t* masks) {
  std::fill_n(masks, blocks * (sets.size() + 1), 0);
  for (std::size_t i = 0; i < blocks * kBlockBytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    uint64_t* of_block = masks + i / kBlockBytes * (sets.size() + 1);
    const uint64_t bit = uint64_t{1} << i % kBlockBytes;
    if (byte >= 0x80) of_block[sets.size()] |= bit;
    for (std::size_t set = 0; set < sets.size(); ++set) {
      if (sets[set].Contains(byte)) of_block[set] |= bit;
    }
  }
}

#if defined(__x86_64__)

// Index: the high half of a byte. A shuffle gives 0 for bytes >= 0x80 where they are the index.
alignas(16) constexpr uint8_t kBitOfHighHalf[16] = {1, 2, 4, 8, 16, 32, 64, 128};

__attribute__((target("avx512f,avx512bw"))) void ClassifyAvx512(const char* text,
                                                                std::size_t blocks,
                                                                std::span<const AsciiSet> sets,
                                                                uint64_t* masks) {
  // maskz: the plain intrinsic warns of its own undefined operand in GCC 12.
  const __m512i bits = _mm512_maskz_broadcast_i32x4(
      0xFFFF, _mm_load_si128(reinterpret_cast<const __m128i*>(kBitOfHighHalf)));
  const __m512i low_half = _mm512_set1_epi8(0x0F);
  for (std::size_t block = 0; block < blocks; ++block) {
    const __m512i bytes = _mm512_loadu_si512(text + block * kBlockBytes);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_half);
    const __m512i bit = _mm512_shuffle_epi8(bits, high);
    for (const AsciiSet& set : sets) {
      const __m512i rows = _mm512_maskz_broadcast_i32x4(
          0xFFFF, _mm_load_si128(reinterpret_cast<const __m128i*>(set.rows())));
      *masks++ = _mm512_test_epi8_mask(_mm512_shuffle_epi8(rows, bytes), bit);
    }
    *masks++ = _mm512_movepi8_mask(bytes);
  }
}

__attribute__((target("avx2"))) void ClassifyAvx2(const char* text, std::size_t blocks,
                                                  std::span<const AsciiSet> sets, uint64_t* masks) {
  const __m256i bits =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(kBitOfHighHalf)));
  const __m256i low_half = _mm256_set1_epi8(0x0F);
  const std::size_t stride = sets.size() + 1;
  std::fill_n(masks, blocks * stride, 0);
  for (std::size_t half = 0; half < 2 * blocks; ++half) {
    const __m256i bytes =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + half * sizeof(__m256i)));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
    const __m256i bit = _mm256_shuffle_epi8(bits, high);
    uint64_t* of_block = masks + half / 2 * stride;
    const unsigned shift = half % 2 * 32;
    for (const AsciiSet& set : sets) {
      const __m256i rows =
          _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(set.rows())));
      const __m256i none = _mm256_cmpeq_epi8(
          _mm256_and_si256(_mm256_shuffle_epi8(rows, bytes), bit), _mm256_setzero_si256());
      *of_block++ |= uint64_t{~static_cast<uint32_t>(_mm256_movemask_epi8(none))} << shift;
    }
    *of_block |= uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(bytes))} << shift;
  }
}

#endif

}  // namespace

SimdLevel BestSimdLevel() {
#if defined(__x86_64__)
  static const SimdLevel kBest = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
      return SimdLevel::kAvx512;
    }
    return __builtin_cpu_supports("avx2") ? SimdLevel::kAvx2 : SimdLevel::kScalar;
  }();
  return kBest;
#else
  return SimdLevel::kScalar;
#endif
}

void ClassifyBlocks(SimdLevel level, const char* text, std::size_t blocks,
                    std::span<const AsciiSet> sets, uint64_t* masks) {
#if defined(__x86_64__)
  switch (level) {
    case SimdLevel::kAvx512:
      return ClassifyAvx512(text, blocks, sets, masks);
    case SimdLevel::kAvx2:
      return ClassifyAvx2(text, blocks, sets, masks);
    case SimdLevel::kScalar:
      break;
  }
#else
  (void)level;
#endif
  ClassifyPlain(text, blocks, sets, masks);
}

}  // namespace embedserve
