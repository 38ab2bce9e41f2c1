#include "tests/support/safetensors_writer.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

namespace embedserve {
namespace {

template <typename Word>
void Append(Word word, std::string& out) {
  char bytes[sizeof(Word)];
  std::memcpy(bytes, &word, sizeof(Word));
  out.append(bytes, sizeof(Word));
}

// Of values that binary16 holds exactly: zero, normal, infinite or NaN.
uint16_t ExactHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t exponent = bits >> 23 & 0xffu;
  const uint32_t mantissa = bits >> 13 & 0x3ffu;
  if (exponent == 0xff) return static_cast<uint16_t>(sign | 0x7c00u | mantissa);
  if (exponent == 0) return static_cast<uint16_t>(sign);
  return static_cast<uint16_t>(sign | (exponent - 112) << 10 | mantissa);
}

void AppendValue(float value, const std::string& dtype, std::string& out) {
  if (dtype == "F32") {
    Append(value, out);
  } else if (dtype == "F16") {
    Append(ExactHalf(value), out);
  } else if (dtype == "BF16") {
    Append(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16), out);
  } else {
    out += static_cast<char>(value);
  }
}

}  // namespace

std::string SafetensorsFile(const TestTensors& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    for (const float value : tensor.values) AppendValue(value, tensor.dtype, data);
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  return SafetensorsFile(header.dump(), data);
}

std::string SafetensorsFile(std::string_view header, std::string_view data) {
  std::string file;
  Append(static_cast<uint64_t>(header.size()), file);
  return file.append(header).append(data);
}

TestTensor RandomTensor(std::vector<int64_t> shape, uint32_t seed) {
  std::size_t count = 1;
  for (const int64_t length : shape) count *= static_cast<std::size_t>(length);
  TestTensor tensor{.shape = std::move(shape), .values = std::vector<float>(count), .dtype = "F32"};
  std::mt19937 random(seed);
  // Not std::uniform_int_distribution: its results differ between standard libraries.
  for (float& value : tensor.values) value = static_cast<float>(random() % 129) / 64.0f - 1.0f;
  return tensor;
}

}  // namespace embedserve
