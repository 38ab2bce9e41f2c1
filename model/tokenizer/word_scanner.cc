#include "model/tokenizer/word_scanner.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/tokenizer/byte_level_pattern.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

// Indices into BlockReader::Masks::in.
enum ByteLevelClass { kLetter, kNumber, kWhite, kSpace, kApostrophe };
enum BertClass { kBertWhite, kBertPunctuation };

AsciiSet SetOfClass(uint8_t classes) {
  return AsciiSet::Of([&](unsigned char c) { return (ClassOf(c) & classes) != 0; });
}

const BlockReader::Rule& ByteLevelRule() {
  static const BlockReader::Rule kRule = {
      {SetOfClass(CharClass::kLetter), SetOfClass(CharClass::kNumber),
       SetOfClass(CharClass::kSpace), AsciiSet::Of([](unsigned char c) { return c == ' '; }),
       AsciiSet::Of([](unsigned char c) { return c == '\''; })},
      {CharClass::kLetter, CharClass::kNumber, CharClass::kSpace}};
  return kRule;
}

const BlockReader::Rule& BertRule() {
  static const BlockReader::Rule kRule = {
      {SetOfClass(CharClass::kSpace), SetOfClass(CharClass::kPunctuation), AsciiSet(), AsciiSet(),
       AsciiSet()},
      {CharClass::kSpace, CharClass::kPunctuation, 0}};
  return kRule;
}

// Writes the positions of the bits of `mask`, `base` added; returns the end.
uint32_t* PutPositions(uint64_t mask, std::size_t base, uint32_t* out) {
  for (; mask != 0; mask &= mask - 1) {
    *out++ = static_cast<uint32_t>(base) + static_cast<uint32_t>(std::countr_zero(mask));
  }
  return out;
}

// Bits of the block that begins at `block` and lies behind the text's end.
uint64_t BitsBehind(std::string_view text, std::size_t block) {
  const std::size_t begin = block * kBlockBytes;
  if (begin >= text.size()) return ~uint64_t{0};
  return text.size() - begin >= kBlockBytes ? 0 : ~uint64_t{0} << (text.size() - begin);
}

}  // namespace

std::string_view PaddedText::Assign(std::string_view first, std::string_view second) {
  const std::size_t size = first.size() + second.size();
  if (capacity_ < size + kPadding) {
    capacity_ = 2 * (size + kPadding);
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  std::copy(first.begin(), first.end(), bytes_.get());
  std::copy(second.begin(), second.end(), bytes_.get() + first.size());
  std::memset(bytes_.get() + size, 0, kPadding);
  return {bytes_.get(), size};
}

BlockReader::Masks BlockReader::Next() {
  constexpr std::size_t kStride = kSets + 1;
  if (block_ % kAhead == 0) {
    const std::size_t blocks = text_.size() / kBlockBytes + 1;
    const std::size_t count = std::min(kAhead, blocks - std::min(block_, blocks));
    ClassifyBlocks(level_, text_.data() + block_ * kBlockBytes, count, rule_.sets, raw_.data());
  }
  const uint64_t* raw = raw_.data() + block_ % kAhead * kStride;
  Masks masks;
  std::copy_n(raw, kSets, masks.in.begin());
  masks.high = raw[kSets];
  masks.leads = ~masks.high;
  masks.lasts = ~masks.high;
  masks.wide2 = 0;
  masks.wide3 = 0;
  if (masks.high != 0) Fill(block_ * kBlockBytes, masks);
  ++block_;
  return masks;
}

void BlockReader::Fill(std::size_t at, Masks& masks) {
  for (std::size_t i = 0; i < kClasses; ++i) masks.in[i] |= spilled_in_[i];
  masks.lasts |= spilled_last_;
  uint64_t rest = masks.high & ~spilled_;
  spilled_ = 0;
  spilled_in_ = {};
  spilled_last_ = 0;
  while (rest != 0) {
    const auto begin = static_cast<std::size_t>(std::countr_zero(rest));
    const Scalar scalar = ScalarAt(text_, at + begin);
    const uint8_t classes = ClassOf(scalar.value);
    const uint64_t bytes = (uint64_t{1} << scalar.size) - 1;
    const uint64_t here = bytes << begin;
    const std::size_t end = begin + scalar.size;
    // Only the last scalar of a block can reach beyond it.
    spilled_ = end > kBlockBytes ? bytes >> (kBlockBytes - begin) : 0;
    spilled_last_ = spilled_ & ~(spilled_ >> 1);
    masks.leads |= here & (~here + 1);
    if (spilled_ == 0) masks.lasts |= uint64_t{1} << (end - 1);
    for (std::size_t i = 0; i < kClasses; ++i) {
      const uint64_t selected = classes & rule_.classes[i] ? ~uint64_t{0} : 0;
      masks.in[i] |= here & selected;
      spilled_in_[i] = spilled_ & selected;
    }
    if (classes & CharClass::kSpace) {
      (scalar.size == 2 ? masks.wide2 : masks.wide3) |= uint64_t{1} << begin;
    }
    rest &= ~here;
  }
}

ByteLevelScanner::ByteLevelScanner(SimdLevel level, std::string_view text)
    : text_(text), reader_(level, text, ByteLevelRule()) {
  starts_[0] = 0;
  if (!text.empty()) current_ = Read();
}

// The text's end counts as white space: a run of white space at the end has no last character.
BlockReader::Masks ByteLevelScanner::Read() {
  const uint64_t behind = BitsBehind(text_, read_);
  BlockReader::Masks masks = {};
  if (behind != ~uint64_t{0}) masks = reader_.Next();
  masks.in[kWhite] |= behind;
  ++read_;
  return masks;
}

uint64_t ByteLevelScanner::Starts(const BlockReader::Masks& masks, const BlockReader::Masks& next) {
  const uint64_t letter = masks.in[kLetter];
  const uint64_t number = masks.in[kNumber];
  const uint64_t white = masks.in[kWhite];
  const uint64_t other = ~(letter | number | white);
  // Of a run of white space its last character begins a word where something follows.
  const auto white_behind = [&](unsigned bytes) {
    return white >> bytes | next.in[kWhite] << (kBlockBytes - bytes);
  };
  const uint64_t last_white = (white & ~masks.high & ~white_behind(1)) |
                              (masks.wide2 & ~white_behind(2)) | (masks.wide3 & ~white_behind(3));
  // Other runs begin where the class changes, but behind U+0020, which belongs to them.
  const uint64_t run = (letter & ~(letter << 1 | letter_)) | (number & ~(number << 1 | number_)) |
                       (other & ~(other << 1 | other_));
  uint64_t starts =
      (white & ~(white << 1 | white_)) | last_white | (run & ~(masks.in[kSpace] << 1 | space_));
  letter_ = letter >> 63;
  number_ = number >> 63;
  white_ = white >> 63;
  other_ = other >> 63;
  space_ = masks.in[kSpace] >> 63;
  const uint64_t apostrophes = starts & masks.in[kApostrophe];
  if ((apostrophes | added_ | removed_) != 0) starts = ApplyContractions(starts, apostrophes);
  return starts;
}

// A contraction is a word of its own: its letters begin none, what follows it does.
uint64_t ByteLevelScanner::ApplyContractions(uint64_t starts, uint64_t apostrophes) {
  uint64_t added = added_;
  uint64_t removed = removed_;
  added_ = 0;
  removed_ = 0;
  for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
    const auto at = static_cast<std::size_t>(std::countr_zero(apostrophes));
    const std::size_t size = ContractionSize(text_.substr(block_ * kBlockBytes + at));
    if (size == 0) continue;
    const std::size_t end = at + size;
    (at + 1 < kBlockBytes ? removed : removed_) |= uint64_t{1} << (at + 1) % kBlockBytes;
    (end < kBlockBytes ? added : added_) |= uint64_t{1} << end % kBlockBytes;
  }
  return (starts & ~removed) | added;
}

WordBounds ByteLevelScanner::Next() {
  const std::size_t blocks = (text_.size() + kBlockBytes - 1) / kBlockBytes;
  uint32_t* const first = starts_.data();
  uint32_t* out = first + 1;
  while (out == first + 1 && block_ < blocks) {
    for (std::size_t i = 0; i < kChunkBlocks && block_ < blocks; ++i, ++block_) {
      const BlockReader::Masks next = Read();
      uint64_t starts = Starts(current_, next) & ~BitsBehind(text_, block_);
      if (block_ == 0) starts &= ~uint64_t{1};
      out = PutPositions(starts, block_ * kBlockBytes, out);
      if (block_ + 1 == blocks) *out++ = static_cast<uint32_t>(text_.size());
      current_ = next;
    }
  }
  *first = begin_;
  begin_ = out[-1];
  return {static_cast<std::size_t>(out - first) - 1, first, first + 1};
}

BertScanner::BertScanner(SimdLevel level, std::string_view text)
    : text_(text), reader_(level, text, BertRule()) {}

WordBounds BertScanner::Next() {
  const std::size_t blocks = text_.size() / kBlockBytes + 1;  // one byte behind the text at least
  uint32_t* begins = begins_.data();
  uint32_t* ends = ends_.data();
  if (open_) *begins++ = begin_;
  while (ends == ends_.data() && block_ < blocks) {
    for (std::size_t i = 0; i < kChunkBlocks && block_ < blocks; ++i, ++block_) {
      const BlockReader::Masks masks = reader_.Next();
      const uint64_t punctuation = masks.in[kBertPunctuation];
      const uint64_t word = ~(masks.in[kBertWhite] | punctuation | BitsBehind(text_, block_));
      const uint64_t behind_word = word << 1 | word_;
      const uint64_t last = punctuation & masks.lasts;
      begins = PutPositions((word & ~behind_word) | (punctuation & masks.leads),
                            block_ * kBlockBytes, begins);
      ends = PutPositions((~word & behind_word) | last << 1 | punctuation_, block_ * kBlockBytes,
                          ends);
      word_ = word >> 63;
      punctuation_ = last >> 63;
    }
  }
  const auto count = static_cast<std::size_t>(ends - ends_.data());
  open_ = static_cast<std::size_t>(begins - begins_.data()) > count;
  if (open_) begin_ = begins[-1];
  return {count, begins_.data(), ends_.data()};
}

}  // namespace embedserve
